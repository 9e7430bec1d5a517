"""`python -m asterisk_conf.setup`: everything from outside Python that the demo and the tests need."""

import subprocess
import sys

from asterisk_conf.root import Installation, Report, SetupError, ensure_program, find_or_build


def set_up(report: Report = lambda _: None) -> Installation:
    """Finds or installs SIPp and an Asterisk, and reports both; raises SetupError with what to do."""
    sipp = ensure_program("sipp", "sip-tester", report)
    shown = subprocess.run([sipp, "-v"], capture_output=True, text=True, check=False).stdout
    report(next((line.strip(" .") for line in shown.splitlines() if "SIPp" in line), str(sipp)))
    installation = find_or_build(report)
    report(str(installation))
    return installation


def main() -> int:
    """Exit code 0 when all is there, 3 when something could not be had."""
    try:
        set_up(lambda line: print(line, flush=True))
    except SetupError as error:
        print(error, file=sys.stderr)
        return 3
    return 0


if __name__ == "__main__":
    sys.exit(main())
