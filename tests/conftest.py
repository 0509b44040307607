"""Shared settings of the tests."""

from hypothesis import settings

# machines are shared: no deadline; the same examples every time, so that CI does not flicker
settings.register_profile("simstudy", deadline=None, derandomize=True)
settings.load_profile("simstudy")
