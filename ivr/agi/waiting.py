"""A caller waits for an agent: music, an announcement every so often, and a watchdog that is kept from barking."""

import asyncio
from collections.abc import Callable

from ivr.agi import codec
from ivr.agi.codec import ALL_KEYS
from ivr.agi.performer import Performer
from ivr.agi.server import AgiChannel
from ivr.flow.effects import Spoken

LOOK_S = 5.0
"""How often keys are looked for that no command has taken."""


async def wait_for_agent(
    channel: AgiChannel,
    performer: Performer,
    *,
    music_class: str,
    announce: Callable[[], tuple[Spoken, ...]],
    every_ms: int,
    watchdog_s: int,
    first_ms: int | None = None,
    on_key: Callable[[str], bool] | None = None,
) -> str:
    """Let the caller wait until it is over; returns the key by which the caller left.

    Music plays; after `first_ms` and then every `every_ms` (0: never) what `announce` returns is said instead. A key
    ends an announcement. One that `on_key` accepts ends the waiting; it is asked about every key, once. Again and again
    `TIMEOUT(absolute)` is set to `watchdog_s`, so that Asterisk frees the channel when this engine hangs.

    No key is lost. AGI throws away what is pressed between two commands, so with `on_key` all keys are written down by
    Asterisk and looked up after each command; one that falls into the millisecond before a long wait for keys is so
    found `LOOK_S` later, at the latest. The caller of this function ends the writing down (`forget_keys`).

    When an agent answers, the Bridge takes the channel away whatever is playing, and this raises `ChannelHungUp`. The
    engine ends it earlier by cancelling it: the next command then ends the waiting in Asterisk, or follows the
    announcement under way.
    """
    clock = asyncio.get_running_loop().time
    next_renewal = clock()
    next_announcement = float("inf")
    if every_ms > 0:
        next_announcement = clock() + (every_ms if first_ms is None else first_ms) / 1_000
    noted = on_key is not None and await performer.note_keys(channel)
    asked = 0
    await channel.send(codec.set_music(True, music_class))
    while True:
        if clock() >= next_renewal:
            next_renewal = clock() + watchdog_s / 4
            await channel.send(codec.set_variable("TIMEOUT(absolute)", str(watchdog_s)))
        if clock() >= next_announcement:
            keys, _ = await performer.speak(channel, announce(), ALL_KEYS)
            await channel.send(codec.set_music(True, music_class))  # a sound stops the music
            next_announcement = clock() + every_ms / 1_000
        else:
            pause_s = min(next_renewal, next_announcement) - clock()
            if on_key is not None:
                pause_s = min(pause_s, LOOK_S)
            keys = await performer.wait_for_key(channel, max(1, round(pause_s * 1_000)))
        if on_key is None:
            continue
        if noted:
            keys = (await performer.noted_keys(channel))[asked:]
            asked += len(keys)
        for key in keys:
            if on_key(key):
                return key
