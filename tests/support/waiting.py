"""A waiting room for tests of calls: music, and nothing said."""

from ivr.agi.performer import Performer
from ivr.flow.prompts import Prompts
from router.live.shell import LiveRouter
from switchboard.announcements import Announcer
from switchboard.centre.settings import AnnouncementSettings
from switchboard.waiting_room import WaitingRoom


def silent_room(live: LiveRouter, performer: Performer) -> WaitingRoom:
    rules = {queue.name: AnnouncementSettings(every_s=3_600) for queue in live.router.policy.queues}
    announcer = Announcer(live.router, rules=lambda: rules, prompts=lambda: Prompts({}, "en"), now_ms=live.clock.now_ms)
    return WaitingRoom(live, performer, announcer, music_class="default")
