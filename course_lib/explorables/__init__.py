"""Things to drag, click and play, one for each chapter: they compute and draw in the page. Each loads when it is used.

LayoutSwitch         00   the formulas in columns, turned over into the rows of other courses
LineFitter           01   a line through pairs, its loss as a bar and as a surface, a step down
ShapeEditor          02   the widths of a network, every shape that follows, the number of parameters
DifferenceExplorer   03   secants at the scale of h, and their error against h
JacobianStage        04   a grid of points carried by f and by its Jacobian
PathExplorer         05   products along paths; the same product in other brackets
PassPlayer           06   the two passes, step by step; ``play(net, x, y)`` for a network of your own
BatchStacker         07   outer products in a loop or in one product, and the times of both in your kernel
GraphPlayer          08   tangents up and adjoints down a graph, node by node, every operation counted
Race                 09   one gradient in two ways in your kernel, with a predicted finish for the slow one
DepthExplorer        10   the error term through a deep network, and the singular values of its Jacobians
TrainingWatch        10   a training run to watch, stop, change and go on with; it runs in the kernel
"""

import re
from importlib import import_module
from typing import Any

__all__ = [
    "BatchStacker",
    "DepthExplorer",
    "DifferenceExplorer",
    "GraphPlayer",
    "JacobianStage",
    "LayoutSwitch",
    "LineFitter",
    "PassPlayer",
    "PathExplorer",
    "Race",
    "ShapeEditor",
    "TrainingWatch",
    "play",
]


def __getattr__(name: str) -> Any:
    if name not in __all__:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    module = "pass_player" if name == "play" else re.sub(r"(?<!^)(?=[A-Z])", "_", name).lower()
    return getattr(import_module(f"{__name__}.{module}"), name)
