"""CSV and Parquet by a mapping: what exports look like, days when the clock is changed, and what is refused."""

from datetime import UTC, date, datetime, time
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from documents import DocumentError
from simulations.history.mapping import mapping_of_header
from simulations.history.rows import delimiter_of, encoding_of
from switchboard.history.importing import read_mapping
from tests.support.histories import HASHES, MADRID, Read, only

COLUMNS = {"arrived": "Start", "queue": "Queue", "wait": "Wait", "talk": "Talk", "agent": "Agent"}
HEADER = "Start,Queue,Wait,Talk,Agent"


def written(path: Path, text: str, encoding: str = "utf-8") -> Path:
    (path / "calls.csv").write_bytes(text.encode(encoding))
    return path / "calls.csv"


def utc(text: str) -> int:
    return round(datetime.fromisoformat(text).replace(tzinfo=UTC).timestamp() * 1000)


def test_a_contact_for_each_row(tmp_path: Path) -> None:
    path = written(tmp_path, f"{HEADER}\n2026-03-02 09:00:00,sales,20,95,anna\n2026-03-02 09:00:05,sales,12,,\n")
    read = Read(path, {"columns": COLUMNS})
    assert [only(row, ("queue", "arrived_ms", "wait_ms", "talk_ms", "outcome", "agent")) for row in read.contacts] == [
        ("sales", utc("2026-03-02 08:00:00"), 20_000, 95_000, "answered", "anna"),
        ("sales", utc("2026-03-02 08:00:05"), 12_000, None, "abandoned", ""),
    ]
    assert read.refused == []


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "utf-16-le", "utf-16-be", "latin-1"])
@pytest.mark.parametrize("delimiter", [",", ";", "\t", "|"])
@pytest.mark.parametrize("end", ["\n", "\r\n"])
def test_encodings_delimiters_and_line_ends_are_found(tmp_path: Path, encoding: str, delimiter: str, end: str) -> None:
    rows = ["Calls of März", HEADER, "2026-03-02 09:00:00,Büro,20,95,Günther", "", "2026-03-02 09:01:00,Büro,3,,"]
    path = written(tmp_path, end.join(row.replace(",", delimiter) for row in rows), encoding)
    read = Read(path, {"columns": COLUMNS})
    assert [only(row, ("queue", "agent", "line")) for row in read.rows] == [("Büro", "Günther", 3), ("Büro", "", 5)]
    assert read.refused == []


def test_the_quotes_of_windows_are_no_control_characters(tmp_path: Path) -> None:
    path = written(tmp_path, f"{HEADER}\n2026-03-02 09:00:00,10 €,20,95,O’Brien\n", "cp1252")
    (row,) = Read(path, {"columns": COLUMNS}).rows
    assert only(row, ("queue", "agent")) == ("10 €", "O’Brien")


def test_a_large_file_that_is_no_utf8_only_at_its_end_is_windows_1252(tmp_path: Path) -> None:
    path = tmp_path / "large.csv"
    path.write_bytes(b"a,b\n" * 400_000 + "Büro".encode("latin-1"))
    assert encoding_of(path) == "cp1252"


def test_the_delimiter_is_not_the_decimal_comma() -> None:
    assert delimiter_of(["a;b;c", "1,5;2,5;3,5", "1,25;2;3,5"]) == ";"


@pytest.mark.parametrize(
    ("cells", "expected_ms"),
    [
        (("95", "1,234.5", "0.25"), (95_000, 1_234_500, 250)),
        (("95", "1.234,5", "0,25"), (95_000, 1_234_500, 250)),
        (("12,5", "1 234,5", "1\u00a0234"), (12_500, 1_234_500, 1_234_000)),
        (("1:35", "0:01:35", "10:00:00"), (95_000, 95_000, 36_000_000)),
        (("1:35.5", "61:00", "7"), (95_500, 3_660_000, 7_000)),
        (("1'234", "5", "6"), (1_234_000, 5_000, 6_000)),
    ],
)
def test_durations_as_people_write_them(tmp_path: Path, cells: tuple[str, ...], expected_ms: tuple[int, ...]) -> None:
    rows = [f'2026-03-02 09:00:0{place}\tsales\t"{cell}"\t1\tanna' for place, cell in enumerate(cells)]
    read = Read(written(tmp_path, "\n".join([HEADER.replace(",", "\t"), *rows])), {"columns": COLUMNS})
    assert tuple(row["wait_ms"] for row in read.contacts) == expected_ms
    assert read.refused == []


def test_units_and_a_decimal_sign_that_is_told(tmp_path: Path) -> None:
    path = written(tmp_path, f'{HEADER}\n2026-03-02 09:00:00,sales,"1.250",2,anna\n')
    columns = COLUMNS | {"talk": {"column": "Talk", "unit": "min"}}
    assert only(Read(path, {"columns": columns}).contacts[0], ("wait_ms", "talk_ms")) == (1_250, 120_000)
    assert Read(path, {"columns": columns, "decimal": ","}).contacts[0]["wait_ms"] == 1_250_000


@pytest.mark.parametrize(
    ("times", "expected"),
    [
        (("2026-03-02 09:00:00", "2026-03-13T10:05"), ("2026-03-02 08:00", "2026-03-13 09:05")),
        (("2026-03-02 09:00:00.250Z", "2026-03-02 09:00:00-05:00"), ("2026-03-02 09:00:00.250", "2026-03-02 14:00")),
        (("02.03.2026 09:00:00", "13.03.2026 10:05:00"), ("2026-03-02 08:00", "2026-03-13 09:05")),
        (("2.3.26 9:00", "3.3.26 9:00"), ("2026-03-02 08:00", "2026-03-03 08:00")),
        (("02/03/2026 09:00", "13/03/2026 10:05"), ("2026-03-02 08:00", "2026-03-13 09:05")),
        (("03/02/2026 9:00 AM", "03/13/2026 1:05 PM"), ("2026-03-02 08:00", "2026-03-13 12:05")),
        (("1772438400", "1772438401.5"), ("2026-03-02 08:00", "2026-03-02 08:00:01.500")),
        (("1772438400000", "1772438401500"), ("2026-03-02 08:00", "2026-03-02 08:00:01.500")),
    ],
)
def test_moments_as_people_write_them(tmp_path: Path, times: tuple[str, ...], expected: tuple[str, ...]) -> None:
    rows = [f"{at};sales;1;2;anna" for at in times]
    read = Read(written(tmp_path, "\n".join([HEADER.replace(",", ";"), *rows])), {"columns": COLUMNS})
    assert [row["arrived_ms"] for row in read.rows] == [utc(at) for at in expected]


TWO = {"arrived": {"date": "Day", "time": "Clock"}, "agent": "Who"}


@pytest.mark.parametrize(
    ("cells", "expected"),
    [
        ("02.03.2026;09:00:12", "2026-03-02 08:00:12"),
        ("2026-03-02;9:00 PM", "2026-03-02 20:00"),
        ("13/03/2026;09:00", "2026-03-13 08:00"),
        ("2026-03-02;09:00:12+05:30", "2026-03-02 03:30:12"),
        ("2026-03-02 00:00:00;1899-12-30 09:00:12", "2026-03-02 08:00:12"),
        ("02.03.2026 0:00;30.12.1899 00:00:00", "2026-03-01 23:00"),
        ("2026-03-02;00:00", "2026-03-01 23:00"),
    ],
)
def test_date_and_time_in_two_columns(tmp_path: Path, cells: str, expected: str) -> None:
    read = Read(written(tmp_path, f"Day;Clock;Who\n{cells};anna\n"), {"columns": TWO})
    assert ([row["arrived_ms"] for row in read.contacts], read.refused) == ([utc(expected)], [])


def test_two_columns_know_the_days_on_which_the_clock_is_changed(tmp_path: Path) -> None:
    days = [("2026-10-25", at) for at in ("02:10", "02:50", "02:05")] + [("2026-03-29", "02:30")]
    rows = [f"{day},{at}:00,anna{place}" for place, (day, at) in enumerate(days)]
    read = Read(written(tmp_path, "\n".join(["Day,Clock,Who", *rows])), {"columns": TWO})
    assert [row["arrived_ms"] for row in read.rows] == [utc(f"2026-10-25 {at}") for at in ("00:10", "00:50", "01:05")]
    assert "3 rows are in an hour that came twice" in read.notes[0]
    assert read.refused == [(5, "this time does not exist in Europe/Madrid: the clock was put forward")]


def test_a_format_is_of_both_columns_with_a_space_between(tmp_path: Path) -> None:
    path = written(tmp_path, "Day,Clock,Who\n20260302,0905,anna\n")
    with pytest.raises(DocumentError, match=r"the times of column 'Day' and 'Clock' cannot be told: '20260302 0905'"):
        Read(path, {"columns": TWO})
    read = Read(path, {"columns": TWO, "time_format": "%Y%m%d %H%M"})
    assert read.rows[0]["arrived_ms"] == utc("2026-03-02 08:05")


def test_a_date_without_a_time_is_no_midnight(tmp_path: Path) -> None:
    rows = ["2026-03-02,09:00,anna", "2026-03-02,,anna", ",09:00,anna", ",,anna"]
    read = Read(written(tmp_path, "\n".join(["Day,Clock,Who", *rows])), {"columns": TWO})
    assert read.refused == [(3, "arrived is not understood"), (4, "arrived is not understood"), (5, "arrived is empty")]
    shown = [value for *_, value in read.refusals.first(9)]
    assert shown[:2] == ["2026-03-02 (no time)", "(no date) 09:00"]


def test_clocks_of_the_arrivals_day_go_over_midnight(tmp_path: Path) -> None:
    rows = ["2026-10-24,23:59:50,00:00:10,00:02:00", "2026-10-25,02:59:30,02:00:10,02:05:00", "2026-10-25,09:00,08:59,"]
    columns = {name: {"date": "Day", "time": name} for name in ("arrived", "answered", "ended")}
    read = Read(written(tmp_path, "\n".join(["Day,Arrived,Answered,Ended", *rows])), {"columns": columns})
    assert [only(row, ("wait_ms", "talk_ms")) for row in read.contacts] == [(20_000, 110_000), (40_000, 290_000)]
    assert read.refused == [(4, "answered before it arrived")]


def test_parquet_with_a_date_and_a_time_of_day(tmp_path: Path) -> None:
    data = {"Day": [date(2026, 3, 2), None], "Clock": [time(9, 0, 12, 250_000), time(9)], "Who": ["anna", "anna"]}
    pq.write_table(pa.table(data), tmp_path / "calls.parquet")
    read = Read(tmp_path / "calls.parquet", {"columns": TWO})
    assert [row["arrived_ms"] for row in read.contacts] == [utc("2026-03-02 08:00:12.250")]
    assert read.refused == [(2, "arrived is not understood")]


def test_later_times_with_offsets_need_no_zone_where_some_are_empty(tmp_path: Path) -> None:
    path = written(tmp_path, "Start,Taken,Who\n2026-03-02 09:00Z,2026-03-02 09:01Z,anna\n2026-03-02 09:02Z,,\n")
    read = Read(path, {"columns": {"arrived": "Start", "answered": "Taken", "agent": "Who"}}, zone=None)
    assert [row["wait_ms"] for row in read.contacts] == [60_000, None]


@pytest.mark.parametrize(
    ("arrived", "said"),
    [
        ("{date: Day}", "mapping.yaml:1: columns.arrived.time: 'time' is missing"),
        ("{date: Day, tme: T}", "mapping.yaml:1: columns.arrived.tme: 'tme' is not known here (did you mean 'time'?)"),
        ("[Day, Clock]", "a column, or {date: NAME, time: NAME} belongs here"),
    ],
)
def test_a_mapping_of_two_columns_that_is_not_right(tmp_path: Path, arrived: str, said: str) -> None:
    path = tmp_path / "mapping.yaml"
    path.write_text(f"columns: {{agent: Who, arrived: {arrived}}}\n")
    with pytest.raises(DocumentError) as error:
        read_mapping(path)
    assert said in "\n".join(map(str, error.value.problems))


def test_days_that_cannot_be_told_from_months_are_asked_for(tmp_path: Path) -> None:
    path = written(tmp_path, f"{HEADER}\n02/03/2026 09:00,sales,1,2,anna\n")
    with pytest.raises(DocumentError, match=r"'02/03/2026 09:00' \(write time_format into the mapping"):
        Read(path, {"columns": COLUMNS})
    read = Read(path, {"columns": COLUMNS, "time_format": "%m/%d/%Y %H:%M"})
    assert read.rows[0]["arrived_ms"] == utc("2026-02-03 08:00")


def test_times_without_a_zone_need_one(tmp_path: Path) -> None:
    path = written(tmp_path, f"{HEADER}\n2026-03-02 09:00:00,sales,1,2,anna\n")
    with pytest.raises(DocumentError, match=r"its times have no zone .give --time-zone"):
        Read(path, {"columns": COLUMNS}, zone=None)
    path = written(tmp_path, f"{HEADER}\n2026-03-02 09:00:00Z,sales,1,2,anna\n")
    assert Read(path, {"columns": COLUMNS}, zone=None).rows[0]["arrived_ms"] == utc("2026-03-02 09:00")


@pytest.mark.parametrize("newest_first", [False, True])
def test_the_hour_that_comes_twice_is_told_apart_by_the_order_of_rows(newest_first: bool, tmp_path: Path) -> None:
    clock = ["01:59", "02:10", "02:50", "02:05", "02:55", "03:00"]  # Madrid goes from 03:00 back to 02:00
    rows = [f"2026-10-25 {at}:00,sales,{place},2,anna" for place, at in enumerate(clock)]
    rows = rows[::-1] if newest_first else rows
    read = Read(written(tmp_path, "\n".join([HEADER, *rows])), {"columns": COLUMNS})
    assert [row["arrived_ms"] for row in read.contacts] == [
        utc(f"2026-10-{at}") for at in ("24 23:59", "25 00:10", "25 00:50", "25 01:05", "25 01:55", "25 02:00")
    ]
    assert "4 rows are in an hour that came twice in Europe/Madrid" in read.notes[0]


def test_the_hour_that_does_not_exist_is_refused(tmp_path: Path) -> None:
    rows = [f"2026-03-29 {at}:00,sales,1,2,anna" for at in ("01:59", "02:00", "02:59", "03:00")]
    read = Read(written(tmp_path, "\n".join([HEADER, *rows])), {"columns": COLUMNS})
    assert [row["arrived_ms"] for row in read.contacts] == [utc("2026-03-29 00:59"), utc("2026-03-29 01:00")]
    reason = "this time does not exist in Europe/Madrid: the clock was put forward"
    assert read.refused == [(3, reason), (4, reason)]


def test_durations_from_moments_hold_over_the_change_of_the_clock(tmp_path: Path) -> None:
    path = written(tmp_path, "Start,Taken,End,Who\n2026-10-25 02:59:30,2026-10-25 02:00:10,2026-10-25 02:05:00,anna\n")
    columns = {"arrived": "Start", "answered": "Taken", "ended": "End", "agent": "Who"}
    (row,) = Read(path, {"columns": columns, "fixed": {"queue": "sales"}}).contacts
    assert only(row, ("queue", "wait_ms", "talk_ms")) == ("sales", 40_000, 290_000)


def test_a_handling_time_in_one_is_parted(tmp_path: Path) -> None:
    path = written(tmp_path, "Start,Who,AHT,Hold,ACW\n2026-03-02 09:00,anna,300,20,40\n")
    columns = {"arrived": "Start", "agent": "Who", "handle": "AHT", "hold": "Hold", "wrap_up": "ACW"}
    (row,) = Read(path, {"columns": columns}).contacts
    assert only(row, ("talk_ms", "hold_ms", "wrap_up_ms")) == (240_000, 20_000, 40_000)


def test_outcomes_values_and_rows_passed_over(tmp_path: Path) -> None:
    text = "Start,Q,End,Dir\n2026-03-02 09:00,600,ANS,in\n2026-03-02 09:01,601,lost,IN\n2026-03-02 09:02,600,ANS,out\n"
    mapping = {
        "columns": {"arrived": "start", "queue": "q", "outcome": "end"},
        "outcomes": {"ANS": "answered"},
        "values": {"queue": {"600": "sales"}},
        "only": {"Dir": ["in"]},
    }
    read = Read(written(tmp_path, text), mapping)
    assert [only(row, ("queue", "outcome")) for row in read.contacts] == [("sales", "answered"), ("601", "abandoned")]
    assert read.refused == [(4, "passed over: Dir is not in")]


BROKEN = {
    "2026-03-02 09:00:00,sales,1,2": "4 cells instead of 5",
    "2026-03-02 09:00:00,sales,1,2,anna,x": "6 cells instead of 5",
    '2026-03-02 09:00:00,sales,1,2,"anna': "the quotes do not fit",
    ",sales,1,2,anna": "arrived is empty",
    "yesterday,sales,1,2,anna": "arrived is not understood",
    "2026-02-30 09:00:00,sales,1,2,anna": "arrived is not understood",
    "2026-03-02 25:00:00,sales,1,2,anna": "arrived is not understood",
    "1899-03-02 09:00:00,sales,1,2,anna": "a time before 1990 or after 2100",
    "2026-03-02 09:00:00,sales,-1,2,anna": "wait is negative",
    "2026-03-02 09:00:00,sales,1,99999999,anna": "talk is longer than a week",
    "2026-03-02 09:00:00,sales,soon,2,anna": "wait is not understood",
    "2026-03-02 09:00:01,sales,1,2,anna": "a duplicate of another row",
}


@pytest.mark.parametrize("row", BROKEN)
def test_a_broken_row_is_refused_with_its_line_and_reason_and_the_others_count(tmp_path: Path, row: str) -> None:
    good = [f"2026-03-02 09:00:0{second},sales,1,2,anna" for second in (1, 2)]
    read = Read(written(tmp_path, "\n".join([HEADER, good[0], row, good[1], ""])), {"columns": COLUMNS})
    assert read.refused == [(3, BROKEN[row])]
    assert [row["arrived_ms"] for row in read.contacts] == [utc("2026-03-02 08:00:01"), utc("2026-03-02 08:00:02")]


def test_an_open_quote_swallows_nothing(tmp_path: Path) -> None:
    rows = [f"2026-03-02 09:0{minute}:00,sales,1,2,{'x' if minute != 3 else chr(34)}anna" for minute in range(8)]
    read = Read(written(tmp_path, "\n".join([HEADER, *rows])), {"columns": COLUMNS})
    assert read.refused == [(5, "the quotes do not fit")]
    assert len(read.contacts) == 7


def test_missing_columns_are_told_with_the_nearest(tmp_path: Path) -> None:
    path = written(tmp_path, "Start,Queue name,Waits,Talk,Agents\n2026-03-02 09:00:00,sales,1,2,anna\n")
    with pytest.raises(DocumentError) as error:
        Read(path, {"columns": COLUMNS})
    assert [str(problem).removeprefix(str(path)) for problem in error.value.problems] == [
        ":1: there is no column 'Queue' for 'queue' (did you mean 'Queue name'?)",
        ":1: there is no column 'Agent' for 'agent' (did you mean 'Agents'?)",
        ":1: there is no column 'Wait' for 'wait' (did you mean 'Waits'?)",
    ]


@pytest.mark.parametrize("zoned", [True, False])
def test_parquet_with_real_types(tmp_path: Path, zoned: bool) -> None:
    at = datetime(2026, 3, 2, 9, tzinfo=UTC) if zoned else datetime(2026, 3, 2, 10)
    times = pa.array([at, None], pa.timestamp("us", tz="UTC" if zoned else None))
    data: dict[str, Any] = {
        "Start": times,
        "Queue": ["sales", "x"],
        "Wait": [12.25, 1],
        "Talk": [95, 2],
        "Agent": ["anna", ""],
    }
    pq.write_table(pa.table(data), tmp_path / "calls.parquet")
    read = Read(tmp_path / "calls.parquet", {"columns": COLUMNS}, MADRID)
    assert only(read.contacts[0], ("arrived_ms", "wait_ms", "talk_ms")) == (utc("2026-03-02 09:00"), 12_250, 95_000)
    assert read.refused == [(2, "arrived is empty")]


def parquet(path: Path, **columns: Any) -> Path:
    count = len(next(iter(columns.values())))
    data = {"Start": [f"2026-03-02 09:00:{second:02d}" for second in range(count)], "Agent": ["anna"] * count}
    pq.write_table(pa.table(data | columns), path / "calls.parquet")
    return path / "calls.parquet"


def test_parquet_with_numbers_that_are_none(tmp_path: Path) -> None:
    nan, endless = float("nan"), float("inf")
    path = parquet(tmp_path, Wait=pa.array([1.5, 0.0004, None, nan, -0.0004, -0.5, -12.25, endless, 1e30]))
    read = Read(path, {"columns": {"arrived": "Start", "agent": "Agent", "wait": "Wait"}})
    assert [row["wait_ms"] for row in read.contacts] == [1500, 0, None, None, 0]
    assert read.refused == [
        (6, "wait is negative"),
        (7, "wait is negative"),
        (8, "wait is not understood"),
        (9, "wait is not understood"),
    ]


def test_parquet_that_cannot_be_read(tmp_path: Path) -> None:
    path = parquet(tmp_path, Wait=pa.array([[1.5], [2.5]]))
    columns = {"columns": {"arrived": "Start", "agent": "Agent", "wait": "Wait"}}
    with pytest.raises(DocumentError, match=r"the column 'Wait' has cells of the type list<.*'wait' cannot be read"):
        Read(path, columns)
    path = parquet(tmp_path, Wait=list(range(2000)))
    whole = bytearray(path.read_bytes())
    whole[200:1200] = bytes(1000)
    path.write_bytes(whole)
    with pytest.raises(DocumentError, match=r"calls.parquet: the rows from 1 on cannot be read"):
        Read(path, columns)


def test_a_file_without_lines_is_refused_before_it_fills_the_memory(tmp_path: Path) -> None:
    with (tmp_path / "calls.csv").open("wb") as file:
        file.truncate(3_000_000_000)
    with pytest.raises(DocumentError, match="its first line is longer than a million bytes"):
        Read(tmp_path / "calls.csv", {"columns": {"arrived": "Start", "agent": "Agent"}})


def test_cells_that_go_over_several_lines(tmp_path: Path) -> None:
    lines = [
        "Start,Agent,Note",
        '2026-03-02 09:00,anna,"called about ""it"",',
        "",
        'again"',
        "2026-03-02 09:01,ben,",
        '2026-03-02 09:02,"cleo,never closed',
        "2026-03-02 09:03,dora,fine",
        '2026-03-02 09:04,eva,"two',
        'lines"',
        '2026-03-02 09:05,"fay","quoted"',
        '2026-03-02 09:06,gil,"too many, in the end',
        'cells",x',
    ]
    read = Read(written(tmp_path, "\n".join(lines) + "\n"), {"columns": {"arrived": "Start", "agent": "Agent"}})
    assert [row["agent"] for row in read.contacts] == ["anna", "ben", "dora", "eva", "fay"]
    assert read.refused == [
        (6, "the quotes do not fit"),
        (11, "the quotes do not fit"),
        (12, "2 cells instead of 3"),
    ]


def test_callers_are_hashed_and_their_numbers_nowhere(tmp_path: Path) -> None:
    path = written(tmp_path, "Start,Who,From\n2026-03-02 09:00,anna,+34 600 111 222\n2026-03-02 09:01,anna,anonymous\n")
    read = Read(path, {"columns": {"arrived": "Start", "agent": "Who", "caller": "From"}})
    assert [row["caller"] for row in read.contacts] == [HASHES("+34600111222"), ""]


def test_our_own_names_need_no_mapping() -> None:
    mapping = mapping_of_header("x.csv", ["arrived_ms", "queue", "wait_ms", "talk_s", "agent", "remark"])
    columns = mapping.columns
    assert (columns.arrived, columns.names("wait")) == ("arrived_ms", {"wait": "wait_ms"})
    assert (columns.unit("wait"), columns.unit("talk")) == ("ms", "s")
    for names in (["Date", "Time", "agent"], ["arrived_date", "arrived_time", "agent"]):
        assert mapping_of_header("x.csv", names).columns.named() == {
            "arrived.date": names[0],
            "arrived.time": names[1],
            "agent": "agent",
        }
    with pytest.raises(DocumentError, match="the file is empty"):
        mapping_of_header("x.csv", [])
    with pytest.raises(DocumentError, match=r"there is no column 'arrived'; it has: When, What .write"):
        mapping_of_header("x.csv", ["When", "What"])
    with pytest.raises(DocumentError, match=r"there is no column 'arrived' .did you mean 'Arrival'"):
        mapping_of_header("x.csv", ["Arrival", "Queue"])
