"""The compiled loop, kept on disk between runs: once for every world, once for plain ones.

Compiling takes some 40 s, and numba keeps the result beside the source file of the function. It looks at no other
file, though, and the loop is made of many, the ranking keys among them. So the function that is kept is written to a
directory of its own, named after all that goes into it; after any change there is another directory.

The directory is `kernel` below SWITCHBOARD_CACHE, or below `switchboard` in the user's cache directory. Where nothing
can be written, the loop is compiled anew in every process.
"""

import hashlib
import importlib.util
import os
import sys
from collections.abc import Callable
from functools import cache
from pathlib import Path
from typing import Any

import router.core.ewt
import router.core.strategies
import simulations.kernel.machine

ENTRY = '''"""Written by switchboard; the compiled code is kept beside it."""

from numba import njit

from simulations.kernel.machine.loop import go
from simulations.kernel.machine.structure import world_at


@njit(cache=True, nogil=True)
def run(arrays, table):
    return go(world_at(arrays, table, {plain}))
'''

Loop = Callable[[Any, Any], tuple[int, int]]


def available() -> bool:
    """Whether numba is installed (the extra `kernel`)."""
    return importlib.util.find_spec("numba") is not None


def sources() -> list[Path]:
    """Every file that the compiled code is made of."""
    packages = (simulations.kernel.machine, router.core.strategies)
    files = [path for package in packages for path in Path(package.__path__[0]).glob("*.py")]
    return sorted([*files, Path(router.core.ewt.__file__)])


@cache
def directory() -> Path:
    """Where the compiled code of these very sources is kept."""
    import llvmlite
    import numba
    import numpy

    digest = hashlib.sha256(f"{sys.version} {numba.__version__} {llvmlite.__version__} {numpy.__version__}".encode())
    for path in sources():
        digest.update(path.read_bytes())
    return cache_root() / digest.hexdigest()[:24]


def cache_root() -> Path:
    """Where compiled code is kept, of whatever sources."""
    chosen = os.environ.get("SWITCHBOARD_CACHE")
    if chosen:
        return Path(chosen) / "kernel"
    return Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "switchboard" / "kernel"


def _name(plain: bool) -> str:
    return "plain" if plain else "entry"


def is_compiled(plain: bool) -> bool:
    """Whether the loop is on disk, so that it need not be compiled."""
    return available() and any(directory().rglob(f"{_name(plain)}.*.nbc"))


@cache
def loop(plain: bool) -> Loop:
    """The compiled loop, of plain worlds or of all. The first call compiles it, unless it is on disk."""
    try:
        directory().mkdir(parents=True, exist_ok=True)
        path = directory() / f"{_name(plain)}.py"
        if not path.exists():
            written = path.with_suffix(f".{os.getpid()}")
            written.write_text(ENTRY.format(plain=plain), encoding="utf-8")
            written.replace(path)
    except OSError:
        from simulations.kernel.machine.loop import run, run_plain

        return run_plain if plain else run
    spec = importlib.util.spec_from_file_location(f"switchboard_kernel_{_name(plain)}", path)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules[spec.name] = module  # what is kept refers to it by name
    spec.loader.exec_module(module)
    return module.run  # type: ignore[no-any-return]
