"""Imported dialplans against Asterisk itself: the same keys lead native callers and callers of the flow past the same
sounds to the same end. And the sample dialplans that Asterisk installs become centres."""

import asyncio
import re
import time
from itertools import groupby
from pathlib import Path

import pytest

from asterisk_conf.private import PrivateAsterisk
from asterisk_conf.root import SetupError, find_or_build
from ivr.importing.format import SourceFile, Wanted
from ivr.importing.registry import import_formats
from switchboard.importing import write_centre
from tests.support.asterisk import running_asterisk
from tests.support.importing import Call, call, centre_of

pytestmark = pytest.mark.asterisk

# No sound of these is there but `beep`, without which Read would not wait; so nothing takes time but waiting for keys.
PLAN = """
[office]
include => phones
include => never,3:00-3:01,sun,29,feb
exten => s,1,Answer()
 same => n,Set(TIMEOUT(digit)=1)
 same => n,Set(TRIES=0)
 same => n,Set(AGAIN=)
 same => n(again),ExecIf($["${AGAIN}" != ""]?Playback(${AGAIN}))
 same => n,Background(welcome&menu)
 same => n,Background(more)
 same => n,WaitExten(3)
exten => 1,1,Queue(sales,t,,,90)
exten => 2,1,Set(LEFT=3)
 same => n(top),While($[${LEFT} > 0])
 same => n,Playback(countdown)
 same => n,SayNumber(${LEFT})
 same => n,Set(LEFT=$[${LEFT} - 1])
 same => n,EndWhile()
 same => n,Gosub(bye,s,1(see-you))
 same => n,Queue(after-bye)
exten => 3,1,Read(account,beep,4,,2,3)
 same => n,GotoIf($["${account}" = "1234"]?gold)
 same => n,GotoIf($["${account}" = ""]?none)
 same => n,SayDigits(${account})
 same => n,GotoIf($[${account} > 5000 & ${LEN(${account})} = 4]?big:small)
 same => n(big),Queue(big)
 same => n(small),Queue(small)
 same => n(gold),Queue(gold)
 same => n(none),Playback(nothing)
 same => n,Goto(s,again)
exten => 4,1,GotoIfTime(0:00-23:59,mon-sun,*,*?always)
 same => n,Queue(never)
 same => n(always),GotoIfTime(*,*,31,feb?never)
 same => n,Queue(always)
 same => n(never),Queue(never)
exten => 5,1,Set(KIND=${IF($["${CALLERID(num)}" = ""]?withheld:known)})
 same => n,Goto(${KIND},1)
exten => withheld,1,Queue(withheld)
exten => known,1,Queue(known)
exten => _6X,1,SayDigits(${EXTEN})
 same => n,Queue(sixty)
exten => #,1,Goto(office,s,again)
exten => 8,1,Queue(eight)
exten => 8,2,Queue(never)
exten => t,1,Set(TRIES=$[${TRIES} + 1])
 same => n,GotoIf($[${TRIES} >= 2]?tired)
 same => n,Set(AGAIN=are-you-there)
 same => n,Goto(s,again)
 same => n(tired),Playback(goodbye)
 same => n,Hangup()
exten => i,1,Playback(no-such-key)
 same => n,Set(AGAIN=)
 same => n,Goto(s,again)
[bye]
exten => s,1,Playback(${ARG1})
 same => n,GotoIf($[${LEN(${ARG1})} = 7]?back)
 same => n,Hangup()
 same => n(back),Return()
[phones]
exten => _1XX,1,Queue(phones)
exten => 8,1,Queue(shadowed)
[never]
exten => 9,1,Queue(never)
"""
CASES = {
    "one": ("1",),
    "counts": ("2",),
    "reads": ("3", "1234"),
    "big": ("3", "7777"),
    "small": ("3", "1111"),
    "nothing": ("3", "", "", "1"),
    "always": ("4",),
    "caller": ("5",),
    "pattern": ("63",),
    "longer": ("142",),
    "unknown": ("9", "8"),
    "wrong": ("7", "69"),
    "again": ("#", "8"),
    "silent": ("", ""),
    "late": ("", "1"),
}
AFTER_KEYS_S, AFTER_SILENCE_S, AFTER_READ_S = 1.9, 3.6, 3.0
_EXECUTED = re.compile(r'Executing \[[^\]]*\] (\w+)\("Local/(\w+)@entry-\w+;2", "([^"]*)"\)')


def driver() -> str:
    """A context whose extensions press the keys of each case, and one by which each case enters."""
    lines = ["[driver]"]
    for name, does in CASES.items():
        lines.append(f"exten => {name},1,Wait(0.6)")
        for position, keys in enumerate(does):
            reading = position > 0 and does[0] == "3" and position < 3
            if keys:
                lines += [f" same => n,SendDTMF({keys},150,100)", f" same => n,Wait({AFTER_KEYS_S})"]
            else:
                lines.append(f" same => n,Wait({AFTER_READ_S if reading else AFTER_SILENCE_S})")
        lines.append(" same => n,Wait(5)")
    return "\n".join([*lines, "[entry]", *(f"exten => {name},1,Goto(office,s,1)" for name in CASES), ""])


def native(log: str) -> dict[str, Call]:
    """What Asterisk did for each case, up to the queue or the end of the call."""
    calls = {name: Call(end="hangs up normal") for name in CASES}
    over: set[str] = set()
    for application, name, arguments in _EXECUTED.findall(log):
        made = calls[name]
        if name in over:
            continue
        if application in ("Playback", "BackGround"):
            made.heard += arguments.split("&")
        elif application == "ExecIf" and (chosen := re.fullmatch(r"1\?Playback\((.+)\)", arguments)):
            made.heard += chosen[1].split("&")
        elif application == "Read":
            made.heard.append(arguments.split(",")[1])
        elif application in ("SayDigits", "SayNumber"):
            made.heard.append(f"{application[3:].lower()} {arguments}")
        elif application == "Queue":
            made.end = f"queue {arguments.split(',')[0]}"
            over.add(name)
    return calls


async def test_native_callers_and_callers_of_the_flow_come_past_the_same_to_the_same_end(tmp_path: Path) -> None:
    centre, draft = centre_of(tmp_path, "asterisk", PLAN, "office")
    assert not [finding for finding in draft.of("left out") if "no caller gets here" not in finding.why]
    async with running_asterisk(tmp_path / "asterisk", agi_port=1) as (asterisk, _):
        path = asterisk.directory / "etc/extensions.conf"
        path.write_text(path.read_text() + PLAN + driver())
        for module in ("app_senddtmf", "app_stack", "app_while", "res_clioriginate"):
            assert "Loaded" in await asterisk.cli(f"module load {module}.so")
        await asterisk.cli("dialplan reload")
        await asterisk.cli("logger add channel plan.log verbose(9)")
        for name in CASES:
            await asterisk.cli(f"channel originate Local/{name}@entry/n extension {name}@driver")
        log = await _finished(asterisk)
    found = native(log)
    for name, does in CASES.items():
        imported = call(centre, *does, now_ms=time.time_ns() // 1_000_000)
        theirs = found[name]
        print(f"{name} {does}: {theirs.heard} {theirs.end}")
        heard = [sound for sound, _ in groupby(imported.heard)]  # Asterisk logs the tries of a Read once
        assert (heard, imported.end) == (theirs.heard, theirs.end), name
    assert len({made.end for made in found.values()}) > 9


async def _finished(asterisk: PrivateAsterisk) -> str:
    """Asterisk's log when all calls are over."""
    async with asyncio.timeout(60):
        while not re.search(r"^0 active channels", await asterisk.cli("core show channels"), re.MULTILINE):
            await asyncio.sleep(0.2)
    return (asterisk.directory / "log/plan.log").read_text()


SAMPLES = {
    "basic-pbx/extensions.conf": ("DCS-Incoming", 15, 5),
    "samples/extensions.conf.sample": ("demo", 14, 9),
}


@pytest.mark.parametrize("name", SAMPLES)
def test_the_samples_that_asterisk_installs_become_centres(name: str, tmp_path: Path) -> None:
    start, nodes, prompts = SAMPLES[name]
    try:
        sample = find_or_build().data / "conf" / name
    except SetupError as error:
        pytest.skip(str(error))
    if not sample.is_file():
        pytest.skip(f"this Asterisk has no {sample}")
    format = import_formats()["asterisk"]
    draft = format.read([SourceFile(name, sample.read_bytes())], Wanted((start,)))
    centre = write_centre(draft, tmp_path / "made", name="Sample", time_zone="UTC")
    (flow,) = centre.flows.values()
    print(name, len(flow.nodes), "nodes,", draft.steps)
    assert len(flow.nodes) >= nodes
    assert len(draft.prompts) >= prompts - 2
    assert all(finding.file == name or finding.file.endswith(".yaml") for finding in draft.findings)
    assert all(finding.line for finding in draft.of("left out"))
    total = sum(draft.steps.values())
    lines = sample.read_text().splitlines()
    assert 0 < total <= sum(bool(re.match(r"\s*(exten|same)\s*=", line)) for line in lines)
