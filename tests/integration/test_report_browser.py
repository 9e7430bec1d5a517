"""A report's page in a real browser: nothing is cut off, on a desk or on a phone, and letters stay letters in size."""

import html as escaping
import json
import re
import shutil
import subprocess
from pathlib import Path

import pytest

from simulations.reports import Cell, Column, Figure, Report, Section, Table, html
from simulations.staffing.plots import picture

CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
MEASURE = """
const page = frame.contentDocument, view = page.documentElement;
const svgs = [...page.querySelectorAll(".plots svg")];
out.textContent = JSON.stringify({
  scrolls: view.scrollWidth - view.clientWidth,
  plots: svgs.map(svg => svg.getBoundingClientRect().right - view.clientWidth),
  letters: svgs.map(svg => svg.getScreenCTM().a),
  outside: [...page.querySelectorAll(".legend")].filter(legend => {
    const own = legend.getBoundingClientRect(), card = legend.closest(".card").getBoundingClientRect();
    const svg = legend.closest(".card").querySelector("svg").getBoundingClientRect();
    return own.left < card.left || own.right > card.right || own.top < card.top || own.bottom > svg.top;
  }).length,
  legends: page.querySelectorAll(".legend").length,
  narrowest: Math.min(...[...page.querySelectorAll("td.text:last-child")].map(cell => cell.offsetWidth)),
});
"""


def measured(page: str, width: int, directory: Path) -> dict[str, object]:
    """What the browser makes of the page in a window of this width (pixels)."""
    assert CHROMIUM is not None
    frame = f'<iframe id=frame style="width: {width}px; height: 900px; border: 0" srcdoc="{escaping.escape(page)}">'
    outer = f"<!doctype html>{frame}</iframe><pre id=out></pre><script>onload = () => {{{MEASURE}}}</script>"
    (directory / "outer.html").write_text(outer)
    arguments = ["--headless=new", "--no-sandbox", "--disable-gpu", f"--user-data-dir={directory / 'profile'}"]
    found = subprocess.run(
        [CHROMIUM, *arguments, "--window-size=1600,1000", "--dump-dom", (directory / "outer.html").as_uri()],
        capture_output=True,
        text=True,
        timeout=60,
    )
    told = re.search(r"<pre id=.out.>(\{.*\})</pre>", found.stdout)
    assert told, found.stderr[-500:]
    answer: dict[str, object] = json.loads(told.group(1))
    return answer


def report() -> Report:
    svg = picture(lambda axes: axes.plot([0, 1], [0, 1]))
    names = [("#0072b2", f"a group whose name is long, number {number}") for number in range(9)]
    figures = [
        Figure(f"Plot {number}", "of two points, and words that tell at some length what is seen", svg, names)
        for number in range(3)
    ]
    columns = [
        Column("change", text=True),
        *(Column(f"figure {number}") for number in range(7)),
        Column("verdict", text=True),
    ]
    cells = [Cell("one more seller"), *(Cell("84.9 %", "+5.4 points ± 1.9") for _ in range(7))]
    row = [*cells, Cell("not shown to differ: +1.3 points, between −0.5 and +3.2")]
    return Report(
        "what-if",
        "A page",
        "seed 1",
        sections=[
            Section("Changes", tables=[Table(columns, [row, row])], figures=figures),
            Section("One plot", figures=figures[:1]),
            Section("Wide plots", figures=figures[:2], wide=True),
        ],
    )


@pytest.mark.skipif(CHROMIUM is None, reason="no Chromium here")
@pytest.mark.parametrize("width", [400, 1280])
def test_nothing_is_cut_off(width: int, tmp_path: Path) -> None:
    found = measured(html(report()), width, tmp_path)
    assert found["scrolls"] == 0
    plots, letters = found["plots"], found["letters"]
    assert isinstance(plots, list)
    assert isinstance(letters, list)
    assert len(plots) == 6
    assert max(plots) <= 0
    assert max(letters) < 1.5 * min(letters)
    assert (found["legends"], found["outside"]) == (6, 0)  # each in the card of its plot, above it
    narrowest = found["narrowest"]
    assert isinstance(narrowest, (int, float))
    assert narrowest > 150
