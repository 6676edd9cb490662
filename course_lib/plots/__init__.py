"""Figures from data. Each returns its Axes; ``show`` puts the figure on the page, ``describe`` says it.

>>> from course_lib.plots import plot_jacobian, show
>>> show(plot_jacobian([[2, 0], [1, 3]]))
A Jacobian and its links: links from inputs to outputs beside the Jacobian of 2 outputs (y_1, y_2) and 2 inputs
(x_1, x_2); rows: (2, 0), (1, 3); the zero is left blank.
"""

from course_lib.plots.batches import plot_outer_products, plot_times
from course_lib.plots.charts import (
    plot_bracketings,
    plot_costs,
    plot_decision_regions,
    plot_error_against_step,
    plot_gradient_norms,
    plot_history,
    plot_line_fit,
    plot_loss_surface,
    plot_ratios,
    plot_readings,
    plot_wrong_passes,
)
from course_lib.plots.graphs import plot_computation, plot_empirical_loss, plot_network, plot_passes, plot_paths
from course_lib.plots.matrices import plot_jacobian, plot_jacobians, plot_map_on_grid, plot_matrix
from course_lib.plots.style import bundle, describe, png, show
from course_lib.plots.training import plot_digits, plot_runs, plot_seconds, plot_singular_values

__all__ = [
    "bundle",
    "describe",
    "plot_bracketings",
    "plot_computation",
    "plot_costs",
    "plot_decision_regions",
    "plot_digits",
    "plot_empirical_loss",
    "plot_error_against_step",
    "plot_gradient_norms",
    "plot_history",
    "plot_jacobian",
    "plot_jacobians",
    "plot_line_fit",
    "plot_loss_surface",
    "plot_map_on_grid",
    "plot_matrix",
    "plot_network",
    "plot_outer_products",
    "plot_passes",
    "plot_paths",
    "plot_ratios",
    "plot_readings",
    "plot_runs",
    "plot_seconds",
    "plot_singular_values",
    "plot_times",
    "plot_wrong_passes",
    "png",
    "show",
]
