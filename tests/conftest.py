"""For all tests: property tests draw the same examples in every run, wherever it is.

Hypothesis is loaded here and not, as its plugin would, while the results are being printed: there the loading ran now
and then into a fault of CPython 3.11 (`AST constructor recursion depth mismatch`).
"""

from hypothesis import settings

settings.register_profile("repeatable", derandomize=True, deadline=None, print_blob=True)
settings.load_profile("repeatable")
