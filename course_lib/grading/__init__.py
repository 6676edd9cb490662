"""Grading: handed-in notebooks in, a gradebook and a page of feedback for each student out.

intake (find) -> submissions (read), chapters (sort) -> run (the class, results kept) -> spread (workers here or on a
cluster) -> bench (in each, a warm engine) -> grader -> graft (answers into the instructor's cells), engine (nbval, in a
box) -> gradebook, feedback, classpage, imports. What is handed in is untrusted: only the source of its answers is
taken, and only plain values come back.
"""

from course_lib.grading.imports import points_line
from course_lib.grading.intake import time_of
from course_lib.grading.run import Report, grade
from course_lib.grading.spread import cores

__all__ = ["Report", "cores", "grade", "points_line", "time_of"]
