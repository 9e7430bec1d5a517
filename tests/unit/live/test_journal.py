"""The journal keeps what it was given, in order, whatever happens to the engine in the middle of a line."""

import os
import resource
import signal
from pathlib import Path

import msgspec
import pytest

from router.core.events import ContactArrived, TimePassed
from router.core.policy import Agent, Goal, LastAction, Policy, Queue, Step
from router.live import journal
from router.live.journal import Handled, Header, Journal, JournalError, Note, SessionSaved

POLICY = Policy(
    version=1,
    queues=(Queue("help", Goal(20_000, 0.8), (Step("all"),), LastAction("exit", "overflow")),),
    agents=(Agent("anna"),),
)


def header(at_ms: int = 0) -> Header:
    return Header(at_ms, journal.FORMAT, "Test", "c0ffee", 7, journal.policy_hash(POLICY), POLICY)


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "journal-1.jsonl"


@pytest.mark.parametrize("sync", ["interval", "always", "never"])
def test_reads_back_what_was_written(path: Path, sync: journal.SyncPolicy) -> None:
    records = [
        header(),
        Handled(5, ContactArrived("c1", "help", attributes={"language": "es"}), ()),
        SessionSaved(6, "c1", msgspec.Raw(b'{"a":1}')),
        Handled(7, TimePassed(), ()),
        SessionSaved(8, "c1", journal.NOTHING),
        Note(9, "the engine stops\nproperly"),
    ]
    writer = Journal(path, sync)
    for record in records:
        writer.append(record)
    writer.close()
    assert list(journal.read(path)) == records


def test_a_line_cut_short_by_a_kill_is_dropped(path: Path) -> None:
    writer = Journal(path)
    writer.append(header())
    writer.append(Note(1, "whole"))
    writer.close()
    with path.open("ab") as file:
        file.write(b'{"record":"note","at_ms":2,"text":"hal')
    assert list(journal.read(path)) == [header(), Note(1, "whole")]


def test_what_cannot_be_read_is_an_error_with_its_line(path: Path) -> None:
    writer = Journal(path)
    writer.append(header())
    writer.close()
    with path.open("ab") as file:
        file.write(b'{"record":"unheard of"}\n')
    with pytest.raises(JournalError, match=r"journal-1\.jsonl:2: not a journal record: .*unheard of"):
        list(journal.read(path))


def test_a_journal_starts_with_a_header(path: Path) -> None:
    path.write_bytes(msgspec.json.encode(Note(1, "no header")) + b"\n")
    with pytest.raises(JournalError, match="starts with a header, this is a Note"):
        list(journal.read(path))


def test_a_newer_format_is_refused(path: Path) -> None:
    path.write_bytes(msgspec.json.encode(msgspec.structs.replace(header(), format=99)) + b"\n")
    with pytest.raises(JournalError, match="journal format 99; this version reads 1"):
        list(journal.read(path))


def test_a_full_disk_takes_back_the_part_line(path: Path) -> None:
    """The limit on file size stands for the full disk: the kernel takes a part of the line and then refuses."""
    previous = resource.getrlimit(resource.RLIMIT_FSIZE)
    ignored = signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    writer = Journal(path, "never")
    try:
        writer.append(header())
        size = path.stat().st_size
        resource.setrlimit(resource.RLIMIT_FSIZE, (size + 20, previous[1]))
        with pytest.raises(JournalError, match=r"cannot write: only 20 of \d+ bytes were taken"):
            writer.append(Note(1, "x" * 100))
        assert path.stat().st_size == size
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, previous)
        signal.signal(signal.SIGXFSZ, ignored)
    writer.append(Note(2, "goes on"))
    writer.close()
    assert list(journal.read(path)) == [header(), Note(2, "goes on")]


def test_the_newest_usable_journal_is_continued(tmp_path: Path) -> None:
    for stamp in ("20260101T000000.000", "20260102T000000.000"):
        writer = Journal(tmp_path / f"journal-{stamp}.jsonl")
        writer.append(header())
        writer.close()
    (tmp_path / "journal-20260103T000000.000.jsonl").touch()  # killed before its header was written
    assert journal.newest(tmp_path) == tmp_path / "journal-20260102T000000.000.jsonl"
    assert journal.newest(tmp_path / "nowhere") is None


def test_only_the_engines_user_may_read_it(path: Path) -> None:
    Journal(path).close()
    assert os.stat(path).st_mode & 0o077 == 0
