"""What compiling the core needs. `python -m tests.support.compiler` gets what is missing, or says how to."""

import shutil
import sys
import sysconfig
from pathlib import Path

from asterisk_conf.root import SetupError, ensure_program


def missing() -> str | None:
    """What is to be done before anything can be compiled."""
    if shutil.which("cc") is None:
        return "a C compiler is missing: install it with `sudo apt-get install gcc libc6-dev python3-dev`"
    header = Path(sysconfig.get_path("include")) / "Python.h"
    return None if header.exists() else f"{header} is missing: install it with `sudo apt-get install python3-dev`"


def main() -> int:
    if missing() is None:
        return 0
    try:
        ensure_program("cc", "gcc", print)
        ensure_program("python3-config", "python3-dev", print)
    except SetupError as error:
        print(error, file=sys.stderr)
    if (needed := missing()) is not None:
        print(needed, file=sys.stderr)
    return 0 if needed is None else 3


if __name__ == "__main__":
    sys.exit(main())
