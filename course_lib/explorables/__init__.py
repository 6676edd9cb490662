"""Things to drag, click and play, one for each chapter: they compute and draw in the page."""

from course_lib.explorables.jacobian_stage import JacobianStage
from course_lib.explorables.path_explorer import PathExplorer

__all__ = ["JacobianStage", "PathExplorer"]
