"""The error that the command line reports in one line: something expected, with what came and what to try."""


class CourseError(Exception):
    """A use that cannot work: the message says what was expected, what came, what to try."""
