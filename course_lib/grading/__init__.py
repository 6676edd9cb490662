"""Grading: handed-in notebooks in, a gradebook and a page of feedback for each student out.

intake (find) -> submissions (read) -> graft (answers into the instructor's cells) -> engine (nbval, in a box) -> grader
-> run (the class, results kept) -> gradebook, feedback, classpage, imports. What is handed in is untrusted: only the
source of its answers is taken, and only plain values come back.
"""

from course_lib.grading.imports import points_line
from course_lib.grading.intake import time_of
from course_lib.grading.run import Report, grade

__all__ = ["Report", "grade", "points_line", "time_of"]
