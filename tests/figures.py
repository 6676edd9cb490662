"""What holds for every figure."""

import re

import matplotlib as mpl

from course_lib.plots import describe, png


def assert_says_itself_and_has_the_same_bytes_again(draw):
    """A figure has a sentence in ASCII, and the settings of the user leave no trace in its bytes."""
    assert re.fullmatch(r"\S.{20,}\.", describe(draw()))
    assert describe(draw()).isascii()
    with mpl.rc_context({"font.size": 31.0, "axes.facecolor": "pink"}):
        again = png(draw())
    assert again == png(draw())
