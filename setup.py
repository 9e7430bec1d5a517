"""Where SWITCHBOARD_COMPILED names a directory (for the C files), mypyc compiles what a simulation runs most: see
`make compiled`. All else of the build is in setup.cfg.

Left as Python are the classes that msgspec makes (events, decisions, the policy), and what numba compiles for the
kernel, which reads the source of these functions.
"""

import os

from setuptools import setup

ROUTER = (
    *("agent_events", "agents", "callbacks", "channels", "compiled", "contact_events", "contacts", "counting"),
    *("departures", "drains", "duplicates", "eligibility", "endings", "entities", "goals", "index", "intervals"),
    *("judging", "lines", "matcher", "offers", "places", "pools", "publishing", "rankings", "reentry", "reservations"),
    *("router", "state", "switches", "talks", "tallying", "timers", "waiting"),
)
SIMULATIONS = ("agents", "caller_counts", "calling_back", "contact", "contacts", "driver", "shell", "streams", "talks")

extensions = []
if directory := os.environ.get("SWITCHBOARD_COMPILED"):
    from mypyc.build import mypycify

    paths = [*(f"router/core/{name}.py" for name in ROUTER), *(f"simulations/{name}.py" for name in SIMULATIONS)]
    level = os.environ.get("SWITCHBOARD_OPTIMISED", "3")
    extensions = mypycify(paths, opt_level=level, group_name="switchboard", target_dir=directory)
    for extension in extensions:  # or some machines round once where Python rounds twice
        extension.extra_compile_args.append("-ffp-contract=off")

setup(ext_modules=extensions)
