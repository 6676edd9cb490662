"""How Sphinx makes the book of what build.py has put together."""

import sys
from pathlib import Path

sys.path.append(str(Path(__file__).parent))  # formulas.py

project = "Chain rule to the rescue"
copyright = "the authors of the course. Text and pictures: CC BY 4.0, code: BSD 3-Clause"
language = "en"

extensions = ["myst_nb", "formulas"]
nb_execution_mode = "off"  # the lessons hold their outputs
nb_ipywidgets_js = {}  # our own live.js shows the widgets, and asks no other machine for scripts
nb_merge_streams = True
myst_enable_extensions = ["attrs_inline", "dollarmath"]
myst_heading_anchors = 3

html_theme = "furo"
html_title = project
html_favicon = "static/favicon.svg"
html_css_files = ["katex/katex.min.css", "course.css"]
html_js_files = [("live.js", {"type": "module"})]
html_copy_source = False
html_show_sphinx = False
html_theme_options = {"navigation_with_keys": False}  # arrow keys belong to sliders
pygments_style = "default"
pygments_dark_style = "github-dark"
