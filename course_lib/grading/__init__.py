"""Grading: handed-in notebooks in, a gradebook and a page of feedback for each student out.

submissions (find and read) -> graft (answers into the instructor's cells) -> engine (nbval, in a box) -> grader ->
gradebook, feedback. What is handed in is untrusted: only the source of its answers is taken, and only plain values
come back.
"""

from course_lib.grading.grader import Report, grade

__all__ = ["Report", "grade"]
