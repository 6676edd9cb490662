"""The gradient of a loss without any calculus: nudge each parameter in turn and see what the loss does.

Every one of the P slopes costs its own forward passes, and each pass costs O(P): O(P^2) in all.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from numpy.typing import ArrayLike

from course_lib.jacobians import numerical_jacobian


def finite_difference_gradient(
    f: Callable[[np.ndarray], ArrayLike],
    theta: ArrayLike,
    h: float | None = None,
    method: str = "central",
    batched: bool = False,
) -> np.ndarray:
    """Gradient of a scalar loss ``f`` at all P parameters: the only row of its Jacobian.

    theta : (P,) parameters      f : (P,) -> number; batched: (P, K) -> (K,)
    h, method : as in ``numerical_jacobian``; "forward" takes P + 1 values of f, "central" 2 P, "complex" P
    Returns g : (P,), g[j] = df/dtheta_j, in units of the loss per unit of theta_j.
    Raises : ValueError when f gives more than one number.

    >>> finite_difference_gradient(lambda theta: theta @ theta, [1, 2, 3]).round(6)
    array([2., 4., 6.])
    """
    J = numerical_jacobian(f, theta, h, method, batched)
    if len(J) != 1:
        raise ValueError(f"f must give one number, the loss, got {len(J)}; try numerical_jacobian")
    return J[0]
