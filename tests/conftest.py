"""What all tests share."""

from hypothesis import settings

# The same examples in every run, and no deadline: a slow machine is not a failure.
settings.register_profile("course", deadline=None, derandomize=True)
settings.load_profile("course")
