"""`python -m tests.fuzz.atheris_target TARGET [OPTIONS OF LIBFUZZER]`: one target under atheris."""

import sys

import atheris

with atheris.instrument_imports(include=["documents", "ivr", "router", "switchboard"]):
    from tests.fuzz.targets import TARGETS

atheris.Setup([sys.argv[0], *sys.argv[2:]], TARGETS[sys.argv[1]])
atheris.Fuzz()
