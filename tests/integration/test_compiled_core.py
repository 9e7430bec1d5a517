"""The core compiled by mypyc (`make compiled`) decides as it does uncompiled."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.support.compiler import missing

ROOT = Path(__file__).parents[2]
CASES = "40"


@pytest.mark.skipif(missing() is not None, reason=missing() or "")
@pytest.mark.timeout(900)  # the build takes a minute or two
def test_the_compiled_core_decides_as_the_core_does(tmp_path: Path) -> None:
    build = [sys.executable, "setup.py", "--quiet", "build", "--build-base", str(tmp_path / "work")]
    build += ["--build-lib", str(tmp_path / "compiled")]
    # Unoptimised: what is compiled is the same, and the compiler takes a fraction of the time.
    told = {"SWITCHBOARD_COMPILED": str(tmp_path / "work"), "SWITCHBOARD_OPTIMISED": "0"}
    built = subprocess.run(build, cwd=ROOT, env=os.environ | told, capture_output=True, text=True, check=False)
    assert built.returncode == 0, f"{built.stdout}\n{built.stderr}"
    check = [sys.executable, "-m", "tests.support.compiled_check", CASES]
    found = [
        subprocess.run(
            check,
            cwd=tmp_path,
            env=os.environ | {"PYTHONPATH": os.pathsep.join(map(str, path))},
            capture_output=True,
            text=True,
            check=False,
        )
        for path in ([ROOT], [tmp_path / "compiled", ROOT])
    ]
    assert [run.returncode for run in found] == [0, 0], "\n".join(run.stderr for run in found)
    assert [run.stderr.strip() for run in found] == ["router: Python", "router: compiled"]
    as_it_is, compiled = (run.stdout for run in found)
    assert compiled == as_it_is
