"""The one class of errors that are meant for the person at the keyboard."""


class CourseError(Exception):
    """A thing that cannot be done as asked: what was expected, what came, what to try.

    The command line prints the message and no traceback; anything else that is raised is a defect of the course.
    """
