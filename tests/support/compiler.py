"""Whether the core can be compiled on this machine; what is missing goes to standard error.

python -m tests.support.compiler
"""

import shutil
import sys
import sysconfig
from pathlib import Path


def missing() -> str | None:
    """What is to be done before anything can be compiled."""
    if shutil.which("cc") is None:
        return "A C compiler is missing. Install one: apt-get install gcc libc6-dev"
    header = Path(sysconfig.get_path("include")) / "Python.h"
    if not header.exists():
        return f"Python's header files are missing ({header}). Install them: apt-get install python3-dev"
    return None


if __name__ == "__main__":
    sys.exit(missing())
