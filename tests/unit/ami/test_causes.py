"""Asterisk's numbers for the end of an Originate, as the router's words."""

import pytest

from router.ami.causes import Outcome, outcome

# Seen on Asterisk 22.10.1 with phones that answer so: reason, Hangup cause, TechCause.
SEEN: list[tuple[str, int, int | None, int | None, Outcome]] = [
    ("200 OK", 4, None, None, "answered"),
    ("603 Decline", 0, 21, 603, "declined"),
    ("486 Busy Here", 0, 17, 486, "busy"),
    ("600 Busy Everywhere", 0, 17, 600, "busy"),
    ("480 Temporarily Unavailable", 0, 19, 480, "no_answer"),
    ("404 Not Found", 0, 1, 404, "unreachable"),
    ("403 Forbidden", 0, 21, 403, "error"),
    ("408 Request Timeout", 0, 18, 408, "unreachable"),
    ("410 Gone", 0, 22, 410, "unreachable"),
    ("484 Address Incomplete", 0, 28, 484, "unreachable"),
    ("488 Not Acceptable Here", 0, 58, 488, "error"),
    ("487 Request Terminated", 0, 127, 487, "error"),
    ("500 Server Error", 0, 38, 500, "congestion"),
    ("502 Bad Gateway", 0, 27, 502, "unreachable"),
    ("503 Service Unavailable", 0, 34, 503, "congestion"),
    ("504 Server Timeout", 0, 102, 504, "unreachable"),
    ("rang until our Timeout", 3, 19, 480, "no_answer"),
    ("no contact, no endpoint, no such technology", 0, None, None, "unreachable"),
    ("we hung up while it rang", 0, 16, None, "error"),
]


@pytest.mark.parametrize(("phone", "reason", "cause", "tech_cause", "expected"), SEEN)
def test_what_phones_do(phone: str, reason: int, cause: int | None, tech_cause: int | None, expected: Outcome) -> None:
    assert outcome(reason, cause, tech_cause) == expected, phone


def test_a_phone_that_never_rang_is_not_one_whose_agent_did_not_answer() -> None:
    assert outcome(3, 19, 480, rang=False) == "unreachable"
    assert outcome(3, 19, 480, rang=True) == "no_answer"
    assert outcome(0, 21, 603, rang=False) == "declined"


def test_the_cause_counts_more_than_the_reason() -> None:
    # pbx_dial_reason makes CONGESTION of a decline
    assert outcome(8, 21) == "declined"
    assert outcome(8, 27) == "unreachable"


@pytest.mark.parametrize(("reason", "expected"), [(5, "busy"), (8, "congestion"), (3, "no_answer"), (1, "error")])
def test_the_reason_serves_when_no_cause_is_known(reason: int, expected: Outcome) -> None:
    assert outcome(reason) == expected
    assert outcome(reason, 999) == expected


def test_what_no_table_knows_is_an_error() -> None:
    assert outcome(99) == "error"
    assert outcome(0, 999) == "error"
