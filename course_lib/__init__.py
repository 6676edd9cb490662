"""Chain rule to the rescue: a course on back-propagation that runs.

The teaching core, in the order of the chapters. It needs NumPy alone; its modules load when they are first used.
"""

from __future__ import annotations

from importlib import import_module
from types import ModuleType

__all__ = [
    "activations",
    "autodiff",
    "backprop",
    "chain",
    "complexity",
    "data",
    "finite_differences",
    "gradient_check",
    "jacobians",
    "losses",
    "network",
    "training",
    "wrong_passes",
]


def __getattr__(name: str) -> ModuleType:
    if name in __all__:
        return import_module(f"course_lib.{name}")
    raise AttributeError(f"module 'course_lib' has no attribute {name!r}")
