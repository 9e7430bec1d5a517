"""Whatever text is asked for, Asterisk is never given anything but digits after an optional `+` at our own trunk."""

import re

from hypothesis import given
from hypothesis import strategies as st

from switchboard.centre.settings import OutboundSettings
from switchboard.destinations import DestinationRefused, Destinations

_DIAL_STRING = re.compile(r"PJSIP/\+?[0-9]{1,21}@provider", re.ASCII)
_NASTY = st.text(st.sampled_from("0123456789+ .-()/&@,;|$ {}[]\"'\\\r\n\0:~*#ABabxX٣³"), max_size=40)
_PREFIX = st.from_regex(r"\+?[0-9X]{1,6}", fullmatch=True)


@given(
    text=st.text(max_size=40) | _NASTY,
    country=st.sampled_from([None, "1", "34", "351"]),
    national=st.sampled_from(["", "0"]),
    dial_prefix=st.sampled_from(["", "+", "00"]),
    allow=st.lists(_PREFIX, max_size=3),
    deny=st.lists(_PREFIX, max_size=2),
)
def test_no_text_becomes_anything_but_a_number_that_is_allowed(
    text: str, country: str | None, national: str, dial_prefix: str, allow: list[str], deny: list[str]
) -> None:
    settings = OutboundSettings(
        trunk="provider",
        country_code=country,
        national_prefix=national,
        dial_prefix=dial_prefix,
        allow=allow,
        deny=deny,
    )
    destinations = Destinations(settings, lambda kind, contact, data: None, lambda hours, now_ms: True)
    try:
        destination = destinations.check(text, 0)
    except DestinationRefused:
        return
    assert _DIAL_STRING.fullmatch(destination.dial_string)
    fits = [re.compile(re.escape(prefix).replace("X", "[0-9]")).match(destination.number) for prefix in allow]
    assert any(fits)
    assert not any(re.match(re.escape(prefix).replace("X", "[0-9]"), destination.number) for prefix in deny)


@given(text=_NASTY)
def test_with_everything_allowed_only_the_digits_that_were_written_are_dialled(text: str) -> None:
    settings = OutboundSettings(trunk="provider", allow=["+X", "X"], least_digits=1, per_minute=1_000_000)
    destinations = Destinations(settings, lambda kind, contact, data: None, lambda hours, now_ms: True)
    try:
        destination = destinations.check(text, 0)
    except DestinationRefused:
        return
    assert _DIAL_STRING.fullmatch(destination.dial_string)
    assert re.sub("[^0-9]", "", text).endswith(destination.number.lstrip("+"))
