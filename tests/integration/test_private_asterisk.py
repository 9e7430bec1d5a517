"""The private Asterisk: several side by side, restarted, broken, and gone with the process that started it."""

import os
import select
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from asterisk_conf.private import AsteriskFailed, PrivateAsterisk
from asterisk_conf.render import render
from tests.support.asterisk import NUMBER, running_asterisk

pytestmark = pytest.mark.asterisk


async def test_several_run_side_by_side_each_with_its_own_directories_and_ports(tmp_path: Path) -> None:
    async with (
        running_asterisk(tmp_path / "one", agi_port=4573) as (one, site_one),
        running_asterisk(tmp_path / "two", agi_port=4573, numbers=("5552000",)) as (two, site_two),
    ):
        assert site_one.ports != site_two.ports
        assert f"'{NUMBER}'" in await one.cli("dialplan show sb-in")
        assert "'5552000'" in await two.cli("dialplan show sb-in")


async def test_it_is_complete_and_starts_without_complaints(tmp_path: Path) -> None:
    async with running_asterisk(tmp_path, agi_port=4573) as (asterisk, _):
        log = (tmp_path / "log/messages.log").read_text()
        assert [line for line in log.splitlines() if "WARNING" in line or "ERROR" in line] == []
        assert "ulaw" in await asterisk.cli("core show translation recalc 1")
        assert "Class: default" in await asterisk.cli("moh show classes")


async def test_recordings_of_the_centre_stand_beside_the_core_sounds_of_each_language(tmp_path: Path) -> None:
    recordings = tmp_path / "sounds"
    (recordings / "de").mkdir(parents=True)
    (recordings / "de" / "welcome.wav").write_bytes(b"RIFF")
    async with running_asterisk(tmp_path / "asterisk", agi_port=4573, recordings=recordings):
        sounds = tmp_path / "asterisk/data/sounds"
        assert (sounds / "de/sb/welcome.wav").read_bytes() == b"RIFF"
        assert (sounds / "es/digits").is_dir()
        assert (sounds / "en/vm-goodbye.wav").is_file()


async def test_after_a_crash_it_starts_again_with_the_same_ports(tmp_path: Path) -> None:
    async with running_asterisk(tmp_path, agi_port=4573) as (asterisk, site):
        before = asterisk.pid
        asterisk.kill()
        await asterisk.restart()
        assert asterisk.pid != before
        assert f"127.0.0.1:{site.ports.sip}" in await asterisk.cli("pjsip show transports")


async def test_one_that_does_not_start_says_why_with_its_log(tmp_path: Path) -> None:
    async with running_asterisk(tmp_path / "good", agi_port=4573) as (_, site):
        files = render(site) | {"modules.conf": "[modules]\nautoload = no\nrequire = no_such_module.so\n"}
        with pytest.raises(AsteriskFailed, match=r"while starting(?s:.*)messages\.log(?s:.*)no_such_module"):
            await PrivateAsterisk.start(tmp_path / "bad", files)


CHILD = """
import asyncio, sys
from pathlib import Path
from tests.support.asterisk import running_asterisk

async def main():
    async with running_asterisk(Path(sys.argv[1]), agi_port=4573) as (asterisk, _):
        print(asterisk.pid, flush=True)
        await asyncio.Event().wait()

asyncio.run(main())
"""


@pytest.mark.parametrize("ending", [signal.SIGINT, signal.SIGKILL])
def test_it_does_not_outlive_the_process_that_started_it(tmp_path: Path, ending: signal.Signals) -> None:
    command = [sys.executable, "-c", CHILD, str(tmp_path)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True) as child:
        assert child.stdout
        asterisk = os.pidfd_open(int(child.stdout.readline()))
        child.send_signal(ending)
        gone, _, _ = select.select([asterisk], [], [], 10)
        os.close(asterisk)
    assert gone
