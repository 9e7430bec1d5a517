"""What an attacker sends: SIP that no honest phone would send, and texts made to become something else."""

import asyncio
import socket

from asterisk_conf.ports import free_udp_ports

CARD = "4539578763621486"
"""The number of no card, which passes the check that cards pass."""

TEXTS = {
    "an expression": "${SHELL(touch MARK)}$[1+1]${ENV(PATH)}",
    "an expression in hexadecimal": "%24%7BSHELL(touch%20MARK)%7D",
    "line ends": "x%0D%0AEvent: Hangup%0D%0AUniqueid: forged",
    "an action": "x%0D%0A%0D%0AAction: Command%0D%0ACommand: core stop now%0D%0A%0D%0A",
    "headers of AGI": "x%0Aagi_uniqueid: forged%0Aagi_arg_1: forged%0A%0A",
    "separators": "a,b|c&d;e=f",
    "a formula": "=cmd|' /C calc'!A0",
    "markup": "<script>alert(1)</script>'\"}]",
    "the terminal": "\x1b]0;owned\x07\x1b[2J",
    "directions of writing": "\u202e0001\u2066\u200b\u2028",
    "a label": '"} 1\\nforged{x="',
    "paths": "../../../../etc/passwd%00.wav",
    "long": "n" * 3_000,
}


async def answers_to_invite(
    host: str, sip_port: int, *, number: str, written: str = "600100100", name: str = "", **headers: str
) -> str:
    """Sends one INVITE from `host`; `written` is the user of its From, `name` the name beside it. The status line of
    the last answer within a moment, or nothing. `headers` are added, `_` in their names is `-`."""
    [port] = free_udp_ports(host, 1)
    body = f"v=0\r\no=x 1 1 IN IP4 {host}\r\ns=-\r\nc=IN IP4 {host}\r\nt=0 0\r\nm=audio {port} RTP/AVP 0\r\n"
    quoted = name.replace("\\", "\\\\").replace('"', '\\"')
    more = "".join(f"{header.replace('_', '-')}: {value}\r\n" for header, value in headers.items())
    head = (
        f"INVITE sip:{number}@127.0.0.1:{sip_port} SIP/2.0\r\n"
        f"Via: SIP/2.0/UDP {host}:{port};branch=z9hG4bK-{port}\r\n"
        f'From: "{quoted}" <sip:{written}@{host}>;tag=hostile\r\nTo: <sip:{number}@127.0.0.1>\r\n'
        f"Call-ID: {port}@{host}\r\nCSeq: 1 INVITE\r\nContact: <sip:x@{host}:{port}>\r\n{more}"
        f"Max-Forwards: 70\r\nContent-Type: application/sdp\r\nContent-Length: {len(body)}\r\n\r\n"
    )
    loop, last = asyncio.get_running_loop(), ""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as phone:
        phone.bind((host, port))
        phone.setblocking(False)
        await loop.sock_sendto(phone, (head + body).encode(), ("127.0.0.1", sip_port))
        try:
            async with asyncio.timeout(5):
                while not last or last.startswith("SIP/2.0 1"):
                    last = (await loop.sock_recv(phone, 65_536)).decode("utf-8", "replace").partition("\r\n")[0]
        except TimeoutError:
            pass
    return last
