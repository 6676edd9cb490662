"""Things to drag, click and play, one for each chapter: they compute and draw in the page.

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

from course_lib.explorables.batch_stacker import BatchStacker
from course_lib.explorables.depth_explorer import DepthExplorer
from course_lib.explorables.difference_explorer import DifferenceExplorer
from course_lib.explorables.graph_player import GraphPlayer
from course_lib.explorables.jacobian_stage import JacobianStage
from course_lib.explorables.layout_switch import LayoutSwitch
from course_lib.explorables.line_fitter import LineFitter
from course_lib.explorables.pass_player import PassPlayer, play
from course_lib.explorables.path_explorer import PathExplorer
from course_lib.explorables.race import Race
from course_lib.explorables.shape_editor import ShapeEditor
from course_lib.explorables.training_watch import TrainingWatch

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
