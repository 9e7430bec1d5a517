"""FastAGI has no passwords: who may speak it is known by the address."""

import pytest

from ivr.agi.server import AgiServer
from switchboard.asterisk_addresses import AsteriskAddresses
from tests.support.fake_agi import FakeAsterisk


@pytest.mark.parametrize(
    ("ami_host", "permit", "address", "is_asterisk"),
    [
        ("127.0.0.1", None, "127.0.0.1", True),
        ("localhost", None, "127.0.0.2", True),
        ("127.0.0.1", None, "::ffff:127.0.0.1", True),
        ("127.0.0.1", None, "192.0.2.1", False),
        ("192.0.2.7", None, "192.0.2.7", True),
        ("192.0.2.7", None, "127.0.0.1", False),
        ("127.0.0.1", ["192.0.2.0/24", "2001:db8::1"], "192.0.2.200", True),
        ("127.0.0.1", ["192.0.2.0/24", "2001:db8::1"], "2001:db8::1", True),
        ("127.0.0.1", ["192.0.2.0/24"], "127.0.0.1", False),
        ("127.0.0.1", None, "", False),
    ],
)
async def test_only_asterisks_address_is_taken(
    ami_host: str, permit: list[str] | None, address: str, is_asterisk: bool
) -> None:
    addresses = AsteriskAddresses(ami_host, permit)
    await addresses.look_up()
    assert (address in addresses) is is_asterisk


async def test_a_name_that_is_not_found_lets_nobody_in_and_is_asked_for_again() -> None:
    addresses = AsteriskAddresses("nowhere.invalid", None)
    await addresses.look_up()
    assert "127.0.0.1" not in addresses


async def test_a_stranger_is_hung_up_on_before_a_word_is_read() -> None:
    addresses = AsteriskAddresses("192.0.2.7", None)
    await addresses.look_up()
    server = AgiServer("127.0.0.1", 0, {}, peers=addresses)
    await server.start()
    try:
        stranger = await FakeAsterisk.connect(server.port)
        assert await stranger.closed()
        assert server.stats == {"foreign_peer": 1}
    finally:
        await server.stop()
