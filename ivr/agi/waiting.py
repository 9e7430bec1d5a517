"""A caller waits for an agent: music, an announcement every so often, and a watchdog that is kept from barking."""

import asyncio
from collections.abc import Callable

from ivr.agi import codec
from ivr.agi.codec import ALL_KEYS
from ivr.agi.performer import Performer
from ivr.agi.server import AgiChannel
from ivr.flow.effects import Spoken


async def wait_for_agent(
    channel: AgiChannel,
    performer: Performer,
    *,
    music_class: str,
    announce: Callable[[], tuple[Spoken, ...]],
    every_ms: int,
    watchdog_s: int,
    on_key: Callable[[str], bool] = lambda key: False,
) -> str:
    """Let the caller wait until it is over; returns the key by which the caller left.

    Music plays; every `every_ms` (0: never) what `announce` returns is said instead. A key that `on_key` accepts ends
    the waiting at once, also during an announcement; any other key only ends the announcement. `TIMEOUT(absolute)` is
    set to `watchdog_s` again and again, so that Asterisk frees the channel when this engine hangs.

    When an agent answers, the Bridge takes the channel away whatever is playing, and this raises `ChannelHungUp`. The
    engine ends it earlier by cancelling it: the next command then ends the waiting in Asterisk, or follows the
    announcement under way.
    """
    clock = asyncio.get_running_loop().time
    next_renewal = clock()
    next_announcement = clock() + every_ms / 1_000 if every_ms > 0 else float("inf")
    await channel.send(codec.set_music(True, music_class))
    while True:
        if clock() >= next_renewal:
            next_renewal = clock() + watchdog_s / 4
            await channel.send(codec.set_variable("TIMEOUT(absolute)", str(watchdog_s)))
        if clock() >= next_announcement:
            key, _ = await performer.speak(channel, announce(), ALL_KEYS)
            await channel.send(codec.set_music(True, music_class))  # a sound stops the music
            next_announcement = clock() + every_ms / 1_000
        else:
            pause_ms = (min(next_renewal, next_announcement) - clock()) * 1_000
            key = await performer.wait_for_key(channel, max(1, round(pause_ms)))
        if key and on_key(key):
            return key
