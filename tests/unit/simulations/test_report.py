"""The report: complete, self-contained, safe with any name, and the same numbers in every form."""

import csv
import io
import re
from html.parser import HTMLParser
from pathlib import Path

import msgspec
import pytest

from simulations import report
from simulations.replications import run_study
from simulations.results import Results, summarise
from simulations.statistics import Estimate
from tests.support.scenarios import setting

NASTY = '=HYPERLINK("http://x")<script>alert(1)</script>$x_1$'


@pytest.fixture(scope="module")
def results() -> Results:
    return summarise(run_study(setting()))


@pytest.fixture(scope="module")
def nasty() -> Results:
    changes = {
        "name": "<b>day</b> & night",
        "policy.queues": {NASTY: {"skills": {"sales": 1}}},
        "kinds.users": None,
        "kinds.buyers.queue": NASTY,
    }
    return summarise(run_study(setting(changes)))


class Page(HTMLParser):
    def __init__(self, text: str) -> None:
        super().__init__()
        self.tags: list[str] = []
        self.links: list[str] = []
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append(tag)
        self.links += [value or "" for name, value in attrs if name in ("src", "href", "xlink:href")]


def test_the_page_needs_nothing_beside_itself(results: Results) -> None:
    page = Page(report.html(results))
    assert page.tags.count("svg") == 6
    assert "script" not in page.tags
    assert all(link.startswith("#") for link in page.links)


def test_the_page_shows_every_queue_with_its_goal_and_interval(results: Results) -> None:
    text = report.html(results)
    for queue in ("sales", "support"):
        level = results.whole.queues[queue]["service_level_share"]
        assert queue in text
        assert f"{level.value * 100:.1f} %" in text
        assert f"± {level.half_width * 100:.1f}" in text
    assert "80 % in 20 s" in text
    assert "95 % confidence interval" in text


def test_names_stay_text(nasty: Results) -> None:
    text = report.html(nasty)
    assert "script" not in Page(text).tags
    assert "&lt;b&gt;day&lt;/b&gt; &amp; night" in text


def test_no_spreadsheet_takes_a_name_for_a_formula(nasty: Results) -> None:
    rows = list(csv.DictReader(io.StringIO(report.csv_text(nasty))))
    assert {row["name"] for row in rows if row["of"] == "queue"} == {f"'{NASTY}"}


def test_csv_and_json_have_the_same_numbers(results: Results) -> None:
    decoded = msgspec.json.decode(report.json_text(results), type=Results)
    assert decoded == results
    rows = list(csv.DictReader(io.StringIO(report.csv_text(results))))
    assert {row["span"] for row in rows} == {"whole", "00:00", "00:30"}
    (row,) = [r for r in rows if (r["span"], r["name"], r["metric"]) == ("whole", "sales", "asa_ms")]
    asa = results.whole.queues["sales"]["asa_ms"]
    assert float(row["value"]) == pytest.approx(asa.value)
    assert float(row["low"]) == pytest.approx(asa.low)


def test_files_are_written_whole_or_not_at_all(
    results: Results, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    written = report.write_report(results, tmp_path / "a" / "b")
    assert sorted(path.name for path in (tmp_path / "a" / "b").iterdir()) == sorted(written)
    before = written["report.html"].read_text()

    def full(*_: object, **__: object) -> int:
        raise OSError("no space left on device")

    monkeypatch.setattr(Path, "write_text", full)
    with pytest.raises(OSError, match="no space"):
        report.write_report(results, tmp_path / "a" / "b")
    assert written["report.html"].read_text() == before
    assert sorted(path.name for path in (tmp_path / "a" / "b").iterdir()) == sorted(written)


def test_one_interval_has_no_plots_and_one_replication_no_intervals() -> None:
    single = summarise(run_study(setting({"interval_minutes": 60, "replications": 1})))
    text = report.html(single)
    assert "svg" not in Page(text).tags
    assert not re.search(r"± \d", text)
    assert "One replication gives no confidence interval" in text


def test_how_people_read_estimates() -> None:
    assert report.percent(Estimate(0.8884, 0.0123)) == "88.8 % ± 1.2"
    assert report.seconds(Estimate(7_840.0, 310.0)) == "7.8 s ± 0.3"
    assert report.plain(Estimate(1234.5)) == "1,234.5"
    assert report.fine(Estimate(None)) == "–"
    assert report.percent(Estimate(0.0, 0.0)) == "0.0 %"
    assert (report.duration(90), report.duration(120), report.duration(30)) == ("1 h 30 min", "2 h", "30 min")
