"""Settings for every test: Hypothesis repeats the same examples on every run and machine."""

from hypothesis import settings

# A failure must be there again on the next run, and a slow shared machine is not a failure.
settings.register_profile("parcelwire", derandomize=True, deadline=None)
settings.load_profile("parcelwire")
