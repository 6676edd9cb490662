"""Chapters in, notebooks out: `build` makes a lesson, its exercises and their solutions from one Markdown source."""

from course_lib.authoring.links import Links, read_links
from course_lib.authoring.products import Product, Report, build, link
from course_lib.authoring.source import AuthoringError

__all__ = ["AuthoringError", "Links", "Product", "Report", "build", "link", "read_links"]
