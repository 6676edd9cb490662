"""The colours of the course: of its figures, its widgets, its verdicts and the pages of grading.

Two that stand for different things look different to everybody, also to those who see no red, no green or no blue: they
are at least 16 apart in CAM02-UCS, which is what M. A. Petroff asks of ten colours (arXiv:2107.02270, 2021). Text has a
contrast of at least 4.5 to 1 on its ground, and a line that says something of 3 to 1. Nothing is said by colour alone
all the same.
"""

LIGHT = {
    "ink": "#1f2328",
    "quiet": "#646a73",  # what stands back, and what is open
    "line": "#c9ced6",  # edges and grids, which say nothing themselves
    "faint": "#eff1f4",
    "paper": "#ffffff",
    "blue": "#006db6",
    "blue-soft": "#e8f2fc",  # the ground of blue text
    "orange": "#b94900",
    "orange-soft": "#fdeee4",
    "green": "#22503b",
    "green-soft": "#dff3e4",
    "purple": "#5f0b74",
}
DARK = {
    "ink": "#eceff3",
    "quiet": "#a8b0bb",
    "line": "#474e58",
    "faint": "#262b32",
    "paper": "#14171b",
    "blue": "#5aa9f5",
    "blue-soft": "#10273d",
    "orange": "#f0893b",
    "orange-soft": "#33200f",
    "green": "#79f2a2",
    "green-soft": "#12391f",
    "purple": "#b080a4",
}
# Where a page cannot know its ground: 3 to 1 on white and on black.
BOTH = {"blue": "#0d9bf2", "orange": "#e27807", "green": "#396a4f", "quiet": "#92959b"}


def variables(palette: dict[str, str]) -> str:
    """A palette as variables of a style sheet.

    >>> variables({"ink": "#1f2328", "blue-soft": "#e8f2fc"})
    '--course-ink: #1f2328; --course-blue-soft: #e8f2fc;'
    """
    return " ".join(f"--course-{name}: {colour};" for name, colour in palette.items())
