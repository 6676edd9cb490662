"""Chapters in, notebooks out: `build` makes a lesson, its exercises and their solutions from one Markdown source."""

from course_lib.authoring.products import Product, Report, build
from course_lib.authoring.source import AuthoringError

__all__ = ["AuthoringError", "Product", "Report", "build"]
