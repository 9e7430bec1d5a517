"""BYEs that cross, against a peer that answers as it is told: no fault; anything else that is unexpected is one."""

import asyncio
from pathlib import Path

import pytest

from asterisk_conf.phones import Callers, PlannedCall

pytestmark = pytest.mark.asterisk  # it takes SIPp, too

_COPIED = ("via:", "from:", "to:", "call-id:", "cseq:")
_SDP = "v=0\r\no=x 1 1 IN IP4 127.0.0.1\r\ns=-\r\nc=IN IP4 127.0.0.1\r\nt=0 0\r\nm=audio 9 RTP/AVP 0\r\n"


class Peer(asyncio.DatagramProtocol):
    """Answers every INVITE, and each BYE with `said`: status lines, or `BYE` for a BYE of its own."""

    def __init__(self, *said: str) -> None:
        self.said = said
        self.transport: asyncio.DatagramTransport

    def connection_made(self, transport: asyncio.DatagramTransport) -> None:  # type: ignore[override]
        self.transport = transport

    def datagram_received(self, data: bytes, source: tuple[str, int]) -> None:
        first, *lines = data.decode().split("\r\n")
        headers = [line for line in lines if line.lower().startswith(_COPIED)]
        match first.split()[0]:
            case "INVITE":
                headers = [f"{line};tag=peer" if line.lower().startswith("to:") else line for line in headers]
                here = f"<sip:peer@127.0.0.1:{self.transport.get_extra_info('sockname')[1]}>"
                self._send(
                    "SIP/2.0 200 OK", [*headers, f"Contact: {here}", "Content-Type: application/sdp"], source, _SDP
                )
            case "BYE":
                for said in self.said:
                    if said == "BYE":
                        self._send("BYE sip:caller SIP/2.0", _as_ours(headers), source)
                    else:
                        self._send(f"SIP/2.0 {said}", headers, source)

    def _send(self, first: str, headers: list[str], source: tuple[str, int], body: str = "") -> None:
        text = "\r\n".join([first, *headers, f"Content-Length: {len(body)}", "", body])
        self.transport.sendto(text.encode(), source)


def _as_ours(headers: list[str]) -> list[str]:
    """The headers of the caller's request, as those of a request to the caller."""
    of = {line.partition(":")[0].lower(): line.partition(":")[2] for line in headers}
    via = "Via: SIP/2.0/UDP 127.0.0.1:9;branch=z9hG4bKpeer"
    return [via, f"From:{of['to']}", f"To:{of['from']}", f"Call-ID:{of['call-id']}", "CSeq: 7 BYE"]


@pytest.mark.parametrize(
    ("said", "ended"),
    [
        (["200 OK"], "caller"),
        (["481 Call/Transaction Does Not Exist"], "both"),
        (["BYE", "481 Call/Transaction Does Not Exist"], "both"),
        (["BYE", "200 OK"], "both"),
        (["200 OK", "BYE"], "caller"),
        (["BYE"], "both"),
        (["500 Server Internal Error"], None),
        (["BYE", "500 Server Internal Error"], None),
    ],
)
async def test_a_caller_who_hangs_up_hears_this_and_the_call_has_ended_so(
    tmp_path: Path, said: list[str], ended: str | None
) -> None:
    transport, _ = await asyncio.get_running_loop().create_datagram_endpoint(
        lambda: Peer(*said), local_addr=("127.0.0.1", 0)
    )
    try:
        port = transport.get_extra_info("sockname")[1]
        async with Callers(tmp_path, [PlannedCall("1", hang_up_after_s=0.1)], ("127.0.0.1", port)) as callers:
            (outcome,) = await asyncio.wait_for(callers.finished(), 20)
    finally:
        transport.close()
    assert outcome.ended == ended, callers.problem()
