"""`switchboard conf check`'s findings about a real Asterisk: one that is right, and several that are not."""

import asyncio
import subprocess
from collections.abc import Collection, Mapping
from dataclasses import replace
from pathlib import Path

import pytest

from asterisk_conf.check import ConsoleUnreachable, Finding, check
from asterisk_conf.ports import reserved_ports
from asterisk_conf.private import PrivateAsterisk
from asterisk_conf.render import render
from asterisk_conf.site import AsteriskSite, Phone
from tests.support.asterisk import running_asterisk
from tests.support.raw_agi import RawAgi

pytestmark = pytest.mark.asterisk


async def findings(
    site: AsteriskSite,
    asterisk: PrivateAsterisk | None = None,
    recordings: Mapping[str, frozenset[str]] | None = None,
    voiced: Collection[str] = (),
) -> dict[str, Finding]:
    def console(command: str) -> str:
        if asterisk is None:
            raise ConsoleUnreachable("not on this machine")
        arguments = [*asterisk.installation.command, "-C", str(asterisk.directory / "etc/asterisk.conf")]
        return subprocess.run([*arguments, "-rx", command], capture_output=True, text=True, check=True).stdout

    found = await asyncio.to_thread(lambda: list(check(site, console, recordings, voiced)))
    return {finding.subject: finding for finding in found}


def wrong(found: Mapping[str, Finding]) -> set[str]:
    return {subject for subject, finding in found.items() if finding.holds is False and subject != "host name"}


async def test_everything_holds_for_an_asterisk_with_the_rendered_files(tmp_path: Path) -> None:
    recordings = tmp_path / "sounds"
    (recordings / "en").mkdir(parents=True)
    (recordings / "en/welcome.wav").write_bytes(b"RIFF")
    async with (
        RawAgi() as engine,
        running_asterisk(
            tmp_path / "asterisk",
            agi_port=engine.port,
            phones=(Phone("anna", secret="x"),),
            languages=("en", "es", "zh"),
            recordings=recordings,
        ) as (asterisk, site),
    ):

        async def serve() -> str:
            call = await engine.call()
            call.close()
            return call.headers["agi_network_script"]

        found, route = await asyncio.gather(findings(site, asterisk, {"en": frozenset({"welcome"})}, ["zh"]), serve())
    assert wrong(found) == set()
    assert route == "check"
    assert found["FastAGI"].found.endswith("(the engine)")
    assert found["recordings en"].holds
    assert "a voice" in found["sounds zh"].found


async def test_without_an_engine_the_check_listens_itself(tmp_path: Path) -> None:
    async with RawAgi() as engine:
        port = engine.port
    async with running_asterisk(tmp_path, agi_port=port) as (_, site):
        found = await findings(site)
    assert found["FastAGI"].holds
    assert "as no engine runs" in found["FastAGI"].found


async def test_what_the_console_would_show_is_unknown_without_it(tmp_path: Path) -> None:
    async with running_asterisk(tmp_path, agi_port=1) as (_, site):
        found = await findings(site)
    assert [found[subject].holds for subject in ("modules", "talk codes", "endpoints", "sounds")] == [None] * 4


async def test_whatever_differs_from_the_centre_is_told(tmp_path: Path) -> None:
    async with running_asterisk(tmp_path, agi_port=1) as (asterisk, site):
        other = replace(
            site,
            numbers=("5559999",),
            agi_host="127.255.255.254",
            languages=("en", "fr"),
            music_class="jazz",
            phones=(Phone("carl", secret="x"),),
            fallback=("carl",),
        )
        found = await findings(other, asterisk, {"en": frozenset({"welcome"})})
    with_the_engines_host = ("in", "call", "agent", "agent-leg", "agent-apart", "voicemail", "check")
    expected = {f"dialplan [sb-{context}]" for context in with_the_engines_host}
    assert wrong(found) == expected | {"FastAGI", "endpoints", "music", "sounds fr", "recordings en"}
    assert all(found[subject].mend for subject in wrong(found))
    assert "5551000" in found["dialplan [sb-in]"].found
    assert "carl" in found["endpoints"].found


async def test_an_engine_that_asterisk_cannot_reach_is_told(tmp_path: Path) -> None:
    async with running_asterisk(tmp_path, agi_port=1, agi_host="no-such-host.invalid") as (_, site):
        found = await findings(site)
    assert wrong(found) == {"FastAGI"}
    assert "agi://no-such-host.invalid:1" in found["FastAGI"].found


async def test_wrong_secrets_missing_rights_excess_rights_and_other_codes_are_told(tmp_path: Path) -> None:
    with reserved_ports() as ports:
        site = AsteriskSite(numbers=("5551000",), phones=(), trunks=(), ami_secret="right", agi_port=1, ports=ports)
        rendered = render(site)
        manager = rendered["manager.conf"].replace("write = call,originate,reporting", "write = call,command,reporting")
        features = rendered["features.conf"].replace("=> *4,", "=> *9,")
        asterisk = await PrivateAsterisk.start(
            tmp_path, rendered | {"manager.conf": manager, "features.conf": features}
        )
        async with asterisk:
            found = await findings(site, asterisk)
            locked_out = await findings(replace(site, ami_secret="wrong"), asterisk)
    assert wrong(found) == {"AMI rights", "AMI least rights", "talk codes"}
    assert found["talk codes"].found == "missing: *4"
    assert "Originate" in found["AMI rights"].found
    assert "Command" in found["AMI least rights"].found
    assert found["FastAGI"].holds is None
    assert wrong(locked_out) == {"AMI login", "talk codes"}


async def test_no_asterisk_or_something_else_at_the_port_is_told() -> None:
    async def greet(_: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(b"220 mail.example ESMTP\r\n")

    server = await asyncio.start_server(greet, "127.0.0.1", 0)
    with reserved_ports() as ports:
        site = AsteriskSite(numbers=("5551000",), phones=(), trunks=(), ami_secret="x", agi_port=1, ports=ports)
        nobody = await findings(site)
        mail = replace(site, ports=replace(ports, ami=server.sockets[0].getsockname()[1]))
        async with server:
            stranger = await findings(mail)
    assert "refused" in nobody["AMI"].found
    assert "220 mail.example" in stranger["AMI"].found
    assert wrong(nobody) == wrong(stranger) == {"AMI"}
