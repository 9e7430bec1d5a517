"""`python -m tests.fuzz SECONDS [TARGET...]`: atheris on each target for so long; what it finds stays in the corpus.

Each target runs in a process of its own. A finding ends with exit code 1; the bytes that made it are in the current
directory (`crash-TARGET-...`), to be put into the corpus once the fault is mended. Needs the extra `fuzz`.
"""

import subprocess
import sys
import tempfile
from pathlib import Path

from tests.fuzz.targets import CORPUS, TARGETS

_LONGEST_S = 10  # for one input
_MEMORY_MB = 1_536
_LONGEST_INPUT = 4_096


def main(seconds: str, *wanted: str) -> int:
    """Runs the targets one after the other; the exit code."""
    unknown = [name for name in wanted if name not in TARGETS]
    if unknown or not seconds.isdigit():
        print(f"usage: python -m tests.fuzz SECONDS [TARGET...]; targets: {', '.join(TARGETS)}", file=sys.stderr)
        return 2
    found = [name for name in wanted or TARGETS if not _fuzz(name, int(seconds))]
    print(f"findings in: {', '.join(found)}" if found else "no findings")
    return 1 if found else 0


def _fuzz(name: str, seconds: int) -> bool:
    """New inputs go into a scratch directory first, and of those only what adds coverage into the corpus."""
    corpus = CORPUS / name
    corpus.mkdir(parents=True, exist_ok=True)
    limits = [f"-timeout={_LONGEST_S}", f"-rss_limit_mb={_MEMORY_MB}", f"-max_len={_LONGEST_INPUT}"]
    command = [sys.executable, "-m", "tests.fuzz.atheris_target", name]
    with tempfile.TemporaryDirectory() as scratch:
        print(f"== {name}: {seconds} s", flush=True)
        run = [f"-max_total_time={seconds}", f"-artifact_prefix=crash-{name}-", "-print_final_stats=1"]
        done = subprocess.run([*command, *limits, *run, scratch, str(corpus)], check=False)
        if done.returncode == 0:
            subprocess.run([*command, *limits, "-merge=1", str(corpus), scratch], check=True, capture_output=True)
            _keep_small(corpus)
    return done.returncode == 0


def _keep_small(corpus: Path) -> None:
    """The corpus is for people to keep: the smallest inputs, and few of them."""
    found = sorted(corpus.iterdir(), key=lambda path: (not path.suffix, path.stat().st_size))
    for path in found[40:]:
        path.unlink()


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:] or [""]))
