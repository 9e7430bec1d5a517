"""A voice for tests: a program that hums a tenth of a second for each word."""

import stat
import sys
from pathlib import Path

_HUM = """\
#!{python}
import sys, wave, math, struct
text = sys.stdin.read()
if "fail" in text.lower():
    sys.exit("the voice is hoarse")
with wave.open(sys.argv[1], "wb") as out:
    out.setparams((1, 2, 16000, 0, "NONE", ""))
    n = 1600 * len(text.split())
    out.writeframes(b"".join(struct.pack("<h", int(9000 * math.sin(i / 9))) for i in range(n)))
"""


def humming(directory: Path) -> Path:
    """The program, written there. It takes the text from standard input, and the file to write as its argument; a text
    with the word "fail" it cannot say."""
    program = directory / "hum"
    program.write_text(_HUM.format(python=sys.executable))
    program.chmod(program.stat().st_mode | stat.S_IXUSR)
    return program
