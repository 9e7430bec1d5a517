import asyncio
import json
import logging

import pytest
from hypothesis import given
from hypothesis import strategies as st

from switchboard.logs import about, configure, without_secrets

log = logging.getLogger("test")


@pytest.mark.parametrize(
    ("said", "written"),
    [
        ("Authorization: Bearer abc.def", "Authorization: *** ***"),
        ("token swb_0123456789abcdefghijklmn was used", "token *** was used"),
        ("password=hunter2, user=eva", "password=***, user=eva"),
        ("{'secret': 'x y', 'user': 'eva'}", "{'secret': ***, 'user': 'eva'}"),
        ("the card 4111 1111 1111 1111 was read out", "the card *** was read out"),
        ("5500005555555559", "***"),
        ("contact 1700000000.18 from +34911234567 took 1763769600123 ms", None),
        ("4111111111111112 fails the check", None),
    ],
)
def test_secrets_and_cards_are_taken_out_and_nothing_else(said: str, written: str | None) -> None:
    assert without_secrets(said) == (said if written is None else written)


@given(st.text())
def test_any_text_can_be_logged(text: str) -> None:
    assert isinstance(without_secrets(text), str)


async def test_json_lines_name_the_contact_and_the_agent_also_in_tasks(capsys: pytest.CaptureFixture[str]) -> None:
    root = logging.getLogger()
    before, level = root.handlers[:], root.level
    configure("json", logging.INFO)
    try:
        with about(contact="1700000000.18"):
            with about(agent="ana"):
                log.warning("inside %s", "both")
            task = asyncio.create_task(asyncio.to_thread(log.info, "in a task"))
        await task
        try:
            raise ValueError("password=hunter2")
        except ValueError:
            log.exception('outside, "quoted" password=hunter2')
    finally:
        root.handlers[:] = before
        root.setLevel(level)
    both, inside, outside = (json.loads(line) for line in capsys.readouterr().err.splitlines())
    assert (both["message"], both["contact"], both["agent"], both["level"]) == (
        "inside both",
        "1700000000.18",
        "ana",
        "WARNING",
    )
    assert (inside["contact"], inside.get("agent")) == ("1700000000.18", None)
    assert "contact" not in outside
    assert outside["message"] == 'outside, "quoted" password=***'
    assert outside["exc_info"].endswith("ValueError: password=***")
    assert "hunter2" not in str(outside)


def test_text_forges_no_line_and_moves_no_cursor(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    root = logging.getLogger()
    monkeypatch.setattr(root, "handlers", root.handlers[:])
    monkeypatch.setattr(root, "level", root.level)
    configure("text", logging.INFO)
    log.info("said %s", "a\n2026-01-01 00:00:00,000 INFO    x: forged\r\x1b[2J\u2028b\x85")
    first, *others = capsys.readouterr().err.splitlines()
    assert first.endswith(": said a")
    assert others == ["  2026-01-01 00:00:00,000 INFO    x: forged\ufffd\ufffd[2J\ufffdb\ufffd"]
