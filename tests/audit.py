"""Known vulnerabilities in what we depend on, by pip-audit; a check that could not be made is never called a good one.

`python -m tests.audit`: exit code 0 when every package was looked up and none has a known vulnerability, 1 if one has,
3 when the service could not be reached or does not know the packages (closed networks, mirrors). With `--tolerate` the
last is 0 too, for builds that must go on without a network; it is said all the same.
"""

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

_CONSTRAINTS = Path(__file__).parents[1] / "constraints.txt"
_CONNECTING_S, _ALTOGETHER_S = 10, 120
GOOD, VULNERABLE, NOT_MADE = 0, 1, 3


def main(*options: str) -> int:
    """Prints what was found; the exit code."""
    try:
        report = _report()
    except (OSError, ValueError, subprocess.SubprocessError) as error:
        verdict, words = NOT_MADE, [f"NOT AUDITED: {error}"]
    else:
        verdict, words = judged(report)
    print("\n".join(words), file=sys.stderr if verdict else sys.stdout)
    return GOOD if verdict == NOT_MADE and "--tolerate" in options else verdict


def judged(report: dict[str, Any]) -> tuple[int, list[str]]:
    """The exit code for pip-audit's report, and words for people."""
    packages = report["dependencies"]
    bad = [
        f"VULNERABLE: {package['name']} {package['version']}: {found['id']}, "
        f"mended in {', '.join(found['fix_versions']) or 'no version yet'}"
        for package in packages
        for found in package.get("vulns", ())
    ]
    unknown = [package["name"] for package in packages if "skip_reason" in package]
    missed = [f"NOT AUDITED: {len(unknown)} of {len(packages)} packages, which the service does not know"]
    if bad:
        return VULNERABLE, bad + missed * bool(unknown)
    if unknown or not packages:
        return NOT_MADE, [*missed, f"  {', '.join(unknown[:8])}{', ...' if len(unknown) > 8 else ''}"]
    return GOOD, [f"{len(packages)} packages audited: no known vulnerability"]


def _report() -> dict[str, Any]:
    """Raises OSError, subprocess.SubprocessError, or ValueError with what pip-audit says."""
    command = [sys.executable, "-m", "pip_audit", "--requirement", str(_CONSTRAINTS), "--no-deps", "--disable-pip"]
    options = ["--timeout", str(_CONNECTING_S), "--progress-spinner", "off", "--format", "json"]
    done = subprocess.run([*command, *options], capture_output=True, text=True, timeout=_ALTOGETHER_S, check=False)
    try:
        report: dict[str, Any] = json.loads(done.stdout)
    except ValueError:
        raise ValueError(f"pip-audit says: {done.stderr.strip()[-300:] or done.returncode}") from None
    return report


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
