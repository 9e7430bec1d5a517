"""Which talks are recorded, where, and for how long."""

import os
from pathlib import Path

import pytest

from documents import DocumentError
from switchboard.centre.settings import RecordingSettings
from switchboard.recording import Recordings, chosen, delete_old


@pytest.mark.parametrize("share", [0.1, 0.5, 0.9])
def test_the_share_is_met_and_the_same_contact_gets_the_same_answer(share: float) -> None:
    contacts = [f"17953{number:05}.{number}" for number in range(10_000)]
    taken = [contact for contact in contacts if chosen(contact, share)]
    assert abs(len(taken) / len(contacts) - share) < 0.02
    assert taken == [contact for contact in contacts if chosen(contact, share)]


def test_a_share_of_one_is_everybody() -> None:
    assert all(chosen(str(number), 1.0) for number in range(1_000))


def test_whoever_is_in_a_share_is_in_every_larger_one() -> None:
    contacts = [f"17953.{number}" for number in range(1_000)]
    assert {c for c in contacts if chosen(c, 0.2)} <= {c for c in contacts if chosen(c, 0.3)}


def test_old_recordings_go_with_their_empty_day_and_nothing_else(tmp_path: Path) -> None:
    now_s = 1_000_000_000.0
    for name, days in {"a/1.wav": 91, "a/2.wav": 100, "b/3.wav": 91, "b/4.wav": 89, "b/5.txt": 500}.items():
        file = tmp_path / name
        file.parent.mkdir(exist_ok=True)
        file.write_bytes(b"")
        os.utime(file, (now_s, now_s - days * 86_400))
    assert delete_old(tmp_path, 90, now_s) == ["a/1.wav", "a/2.wav", "b/3.wav"]
    assert sorted(path.name for path in tmp_path.glob("**/*")) == ["4.wav", "5.txt", "b"]
    assert delete_old(tmp_path / "nowhere", 90, now_s) == []


@pytest.mark.parametrize("name", ["a,b", "a;b", "a$b", "a)b", "a&b", 'a"b'])
def test_a_directory_that_the_dialplan_would_misread_is_refused(name: str, tmp_path: Path) -> None:
    nothing: dict[str, None] = dict.fromkeys(("client", "router", "performer"))
    with pytest.raises(DocumentError, match="cannot be given to Asterisk"):
        Recordings(
            *nothing.values(),
            directory=tmp_path / name,
            settings=RecordingSettings(),
            rules=dict,
            prompts=lambda: None,
            now_ms=lambda: 0,
            fact=lambda kind, **data: None,
            channel_id_of=str,
        )
