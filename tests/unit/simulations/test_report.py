"""The report: complete, self-contained, safe with any name, and the same numbers in every form."""

import csv
import io
import re
from html.parser import HTMLParser
from pathlib import Path

import msgspec
import openpyxl
import pytest
from pyarrow import parquet

from documents.tables import as_csv
from simulations.replications import run_study
from simulations.report import report_of, write_report
from simulations.reports import figures, html, markdown
from simulations.reports.files import json_text, workbook
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


def page(results: Results) -> str:
    return html(report_of(results))


def csv_text(results: Results) -> str:
    data = report_of(results).data["metrics"]
    return as_csv(data.header, data.rows).decode()


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
    found = Page(page(results))
    assert found.tags.count("svg") == 6
    assert "script" not in found.tags
    assert all(link.startswith("#") for link in found.links)


def test_the_page_shows_every_queue_with_its_goal_and_interval(results: Results) -> None:
    text = page(results)
    for queue in ("sales", "support"):
        level = results.whole.queues[queue]["service_level_share"]
        assert queue in text
        assert f"{level.value * 100:.1f} %" in text
        assert f"± {level.half_width * 100:.1f}" in text
    assert "80 % in 20 s" in text
    assert "95 % confidence interval" in text


def test_names_stay_text(nasty: Results) -> None:
    text = page(nasty)
    assert "script" not in Page(text).tags
    assert "&lt;b&gt;day&lt;/b&gt; &amp; night" in text


def test_no_spreadsheet_takes_a_name_for_a_formula(nasty: Results) -> None:
    rows = list(csv.DictReader(io.StringIO(csv_text(nasty))))
    assert {row["name"] for row in rows if row["of"] == "queue"} == {f"'{NASTY}"}


def test_csv_and_json_have_the_same_numbers(results: Results) -> None:
    decoded = msgspec.json.decode(json_text(results), type=Results)
    assert decoded == results
    rows = list(csv.DictReader(io.StringIO(csv_text(results))))
    assert {row["span"] for row in rows} == {"whole", "00:00", "00:30"}
    (row,) = [r for r in rows if (r["span"], r["name"], r["metric"]) == ("whole", "sales", "asa_ms")]
    asa = results.whole.queues["sales"]["asa_ms"]
    assert float(row["value"]) == pytest.approx(asa.value)
    assert float(row["low"]) == pytest.approx(asa.low)


def test_files_are_written_whole_or_not_at_all(
    results: Results, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    written = write_report(results, tmp_path / "a" / "b")
    assert sorted(path.name for path in (tmp_path / "a" / "b").iterdir()) == sorted(written)
    before = written["report.html"].read_text()

    def full(*_: object, **__: object) -> int:
        raise OSError("no space left on device")

    monkeypatch.setattr(Path, "write_bytes", full)
    with pytest.raises(OSError, match="no space"):
        write_report(results, tmp_path / "a" / "b")
    assert written["report.html"].read_text() == before
    assert sorted(path.name for path in (tmp_path / "a" / "b").iterdir()) == sorted(written)


def test_one_interval_has_no_plots_and_one_replication_no_intervals() -> None:
    single = summarise(run_study(setting({"interval_minutes": 60, "replications": 1})))
    text = page(single)
    assert "svg" not in Page(text).tags
    assert not re.search(r"± \d", text)
    assert "One replication gives no confidence interval" in text


def test_how_people_read_estimates() -> None:
    assert figures.percent(Estimate(0.8884, 0.0123)) == "88.8 % ± 1.2"
    assert figures.seconds(Estimate(7_840.0, 310.0)) == "7.8 s ± 0.3"
    assert figures.plain(Estimate(1234.5)) == "1,234.5"
    assert figures.fine(Estimate(None)) == "–"
    assert figures.percent(Estimate(0.0, 0.0)) == "0.0 %"
    assert (figures.duration(90), figures.duration(120), figures.duration(30)) == ("1 h 30 min", "2 h", "30 min")


def test_the_summary_is_markdown_in_which_names_stay_text(nasty: Results) -> None:
    lines = markdown(report_of(nasty)).splitlines()
    assert lines[0] == r"# \<b\>day\</b\> & night"
    (row,) = [line for line in lines if "HYPERLINK" in line]
    assert r"\<script\>alert(1)\</script\>\$x\_1\$" in row
    assert len(re.findall(r"(?<!\\)\|", row)) == 12


def test_the_workbook_has_the_summary_and_the_numbers(nasty: Results) -> None:
    book = openpyxl.load_workbook(io.BytesIO(workbook(report_of(nasty))))
    assert book.sheetnames == ["summary", "metrics"]
    assert all(cell.data_type != "f" for sheet in book for row in sheet.iter_rows() for cell in row)
    header, *rows = book["metrics"].iter_rows(values_only=True)
    (value,) = [row[4] for row in rows if row[:4] == ("whole", "queue", NASTY, "arrived")]
    assert header[:5] == ("span", "of", "name", "metric", "value")
    assert value == pytest.approx(nasty.whole.queues[NASTY]["arrived"].value)


def test_the_parquet_file_has_the_rows_of_the_csv(results: Results, tmp_path: Path) -> None:
    written = write_report(results, tmp_path)
    table = parquet.read_table(written["metrics.parquet"]).to_pylist()
    rows = list(csv.DictReader(io.StringIO(written["metrics.csv"].read_text())))
    assert [(row["name"], row["metric"]) for row in table] == [(row["name"], row["metric"]) for row in rows]
    assert [row["value"] for row in table] == [float(row["value"]) if row["value"] else None for row in rows]


@pytest.mark.parametrize(
    ("text", "expected"),
    [("-1.5 s ± 0.2", "−1.5 s ± 0.2"), ("2.0 %", "+2.0 %"), ("0.0 % ± 0.3", "0.0 % ± 0.3"), ("–", "–")],
)
def test_differences_have_a_sign(text: str, expected: str) -> None:
    assert figures.signed(text) == expected


def test_money_has_cents_only_where_they_matter() -> None:
    assert figures.money(Estimate(12_345.678, 45.6), "EUR") == "12,346 EUR ± 46"
    assert figures.money(Estimate(1.5), "EUR") == "1.50 EUR"
    assert figures.money(Estimate(-0.001)) == "0.00"
