"""Things to drag, click and play, one for each chapter: they compute and draw in the page.

JacobianStage   04   a grid of points carried by f and by its Jacobian
PathExplorer    05   products along paths; the same product in other brackets
PassPlayer      06   the two passes, step by step; ``play(net, x, y)`` for a network of your own
"""

from course_lib.explorables.jacobian_stage import JacobianStage
from course_lib.explorables.pass_player import PassPlayer, play
from course_lib.explorables.path_explorer import PathExplorer

__all__ = ["JacobianStage", "PassPlayer", "PathExplorer", "play"]
