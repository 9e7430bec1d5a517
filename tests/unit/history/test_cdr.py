"""Call detail records of Asterisk, from Master.csv and from a table."""

from pathlib import Path

import pytest
import sqlalchemy as sa

from documents import DocumentError
from simulations.history.cdr import read_cdrs, records_of_file
from simulations.history.merging import merged
from simulations.history.refusals import Refusals
from switchboard.history.tables import open_table
from tests.support.histories import HASHES, MADRID, only

KEYS = ("contact", "queue", "wait_ms", "outcome", "agent", "talk_ms", "offers", "refused")


def record(
    start: str, duration: int, billsec: int, disposition: str, to: str = "", unique: str = "u1", app: str = "Queue"
) -> list[str]:
    return [
        "", "600111222", "100", "from-trunk", '"A" <600111222>', "PJSIP/trunk-0001", to, app, "sales,tT,,,60",
        start, "", "", str(duration), str(billsec), disposition, "DOCUMENTATION", unique,
    ]  # fmt: skip


def written(path: Path, *records: list[str]) -> Path:
    (path / "Master.csv").write_text(
        "".join(",".join(f'"{c.replace(chr(34), chr(34) * 2)}"' for c in row) + "\n" for row in records)
    )
    return path / "Master.csv"


def read(*paths: Path, applications: tuple[str, ...] = ("Queue",)) -> tuple[list[dict], list[tuple[int, str]]]:
    refusals = Refusals()
    sources = []
    for path in paths:
        file = refusals.file(str(path))
        sources.append((str(path), file, records_of_file(path, None, refusals, file)))
    contacts = merged([read_cdrs(sources, MADRID, HASHES, refusals, [], applications)], refusals)
    return contacts.to_pylist(), [(line, reason) for _, line, reason, _ in refusals.first(100)]


def test_the_records_of_one_call_are_one_contact(tmp_path: Path) -> None:
    path = written(
        tmp_path,
        record("2026-03-02 09:00:00", 15, 0, "NO ANSWER", "PJSIP/ben-0000001a"),
        record("2026-03-02 09:00:15", 105, 100, "ANSWERED", "PJSIP/anna-0000001b"),
        record("2026-03-02 09:05:00", 30, 0, "NO ANSWER", unique="u2"),
        record("2026-03-02 09:06:00", 30, 20, "ANSWERED", unique="u3"),
        record("2026-03-02 09:07:00", 1, 0, "CONGESTION", unique="u4"),
    )
    contacts, refused = read(path)
    assert [only(contact, KEYS) for contact in contacts] == [
        ("u1", "sales", 20_000, "answered", "PJSIP/anna", 100_000, 2, 1),
        ("u2", "sales", 30_000, "abandoned", "", None, 0, 0),
        ("u3", "sales", 30_000, "abandoned", "", None, 0, 0),  # the dialplan answered, nobody else did
        ("u4", "sales", 1_000, "failed", "", None, 0, 0),
    ]
    assert refused == []
    assert contacts[0]["caller"] == HASHES("600111222")


@pytest.mark.parametrize("more", [[], ["user"], ["p", "link", "7"], ["user", "p", "link", "7"]])
def test_every_layout_of_cdr_conf(tmp_path: Path, more: list[str]) -> None:
    (contact,), refused = read(written(tmp_path, [*record("2026-03-02 09:00:00", 30, 0, "NO ANSWER"), *more]))
    assert contact["contact"] == ("link" if "link" in more else "u1")
    assert refused == []


BROKEN = {
    "start is no date and time": record("yesterday", 30, 0, "NO ANSWER"),
    "duration is no number of seconds": [*record("2026-03-02 09:00:00", 1, 0, "BUSY")[:12], "-5", "0", "BUSY", "", "u"],
    "billsec is longer than duration": record("2026-03-02 09:00:00", 3, 9, "ANSWERED"),
    "disposition is not known": record("2026-03-02 09:00:00", 3, 0, "LOST"),
    "passed over: the application is not Queue": record("2026-03-02 09:00:00", 3, 0, "ANSWERED", app="Playback"),
    "this time does not exist in Europe/Madrid: the clock was put forward": record("2026-03-29 02:30:00", 3, 0, "BUSY"),
    "3 cells instead of 16 or 17 or 18 or 19 or 20 or 21": ["a", "b", "c"],
    "a duplicate of another row": record("2026-03-02 08:00:00", 30, 0, "NO ANSWER", unique="first"),
}


@pytest.mark.parametrize("reason", BROKEN)
def test_a_record_that_is_none_is_refused_with_its_line(tmp_path: Path, reason: str) -> None:
    good = record("2026-03-02 08:00:00", 30, 0, "NO ANSWER", unique="first")
    contacts, refused = read(written(tmp_path, good, BROKEN[reason]))
    assert refused == [(2, reason)]
    assert [contact["contact"] for contact in contacts] == ["first"]


def test_the_same_file_twice_counts_once(tmp_path: Path) -> None:
    path = written(tmp_path, record("2026-03-02 09:00:00", 30, 0, "NO ANSWER"))
    contacts, refused = read(path, path)
    assert len(contacts) == 1
    assert refused == [(1, "a duplicate of another row")]


def test_other_applications_go_by_the_number_dialled(tmp_path: Path) -> None:
    path = written(tmp_path, record("2026-03-02 09:00:00", 30, 20, "ANSWERED", "PJSIP/anna-01", app="Dial"))
    (contact,), _ = read(path, applications=("Dial",))
    assert only(contact, ("queue", "agent", "wait_ms", "talk_ms")) == ("100", "PJSIP/anna", 10_000, 20_000)


@pytest.fixture
def database(tmp_path: Path) -> str:
    url = f"sqlite:///{tmp_path}/master.db"
    engine = sa.create_engine(url)
    text = ("src", "dst", "dstchannel", "lastapp", "lastdata", "disposition", "uniqueid", "linkedid")
    columns = [sa.Column("calldate", sa.DateTime), sa.Column("duration", sa.Integer), sa.Column("billsec", sa.Integer)]
    cdr = sa.Table("cdr", sa.MetaData(), *columns, *(sa.Column(name, sa.Text) for name in text))
    log = sa.Table(
        "queue_log",
        cdr.metadata,
        *(sa.Column(n, sa.Text) for n in ["time", "callid", "queuename", "agent", "event", "data1", "data2", "data3"]),
    )
    cdr.metadata.create_all(engine)
    with engine.begin() as connection:
        values = {"src": "1", "dst": "2", "lastapp": "Queue", "lastdata": "sales", "uniqueid": "u1", "linkedid": "l1"}
        talk = {"dstchannel": "PJSIP/anna-1", "duration": 65, "billsec": 60, "disposition": "ANSWERED"}
        connection.execute(
            cdr.insert().values(calldate=sa.literal("2026-03-02 09:00:00.000000", sa.Text), **values, **talk)
        )
        enters = {"time": "2026-03-02 09:00:00.250000", "callid": "c1", "queuename": "sales", "agent": "NONE"}
        connection.execute(log.insert().values(**enters, event="ENTERQUEUE", data1="", data2="600", data3="1"))
        leaves = enters | {"time": "2026-03-02 09:00:10.750000"}
        connection.execute(log.insert().values(**leaves, event="ABANDON", data1="1", data2="1", data3="10"))
    return url


def test_a_table_of_cdrs(database: str) -> None:
    table = open_table(database, None)
    refusals = Refusals()
    contacts = read_cdrs([(table.name, refusals.file(table.name), table.records())], MADRID, HASHES, refusals, [])
    assert table.kind == "cdr"
    (contact,) = contacts.to_pylist()
    assert only(contact, KEYS) == ("l1", "sales", 5_000, "answered", "PJSIP/anna", 60_000, 1, 0)


def test_a_table_of_the_queue_log(database: str) -> None:
    table = open_table(database, "queue_log")
    assert table.kind == "queue-log"
    (lines,) = table.lines()
    assert lines[1] == "2026-03-02 09:00:10.750000|c1|sales|NONE|ABANDON|1|1|10"


@pytest.mark.parametrize(
    ("address", "table", "message"),
    [
        ("nothing", None, "is no address of a database"),
        ("nosuch://x", None, "there is no driver for this address"),
        ("postgresql+psycopg://nobody:secret@127.0.0.1:1/x", None, "the database cannot be reached"),
        ("", "cdrs", r"there is no table 'cdrs'; choose with --table .did you mean 'cdr'\?"),
    ],
)
def test_databases_that_cannot_be_read(database: str, address: str, table: str | None, message: str) -> None:
    with pytest.raises(DocumentError, match=message) as error:
        open_table(address or database, table)
    assert "secret" not in str(error.value)


def test_a_table_of_something_else(tmp_path: Path) -> None:
    url = f"sqlite:///{tmp_path}/x.db"
    with sa.create_engine(url).begin() as connection:
        connection.execute(sa.text("CREATE TABLE cdr (durations INT, name TEXT)"))
    with pytest.raises(DocumentError, match=r"there is no column 'duration' .did you mean 'durations'"):
        open_table(url, None)
