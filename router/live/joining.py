"""Joins callers with agents, and with outside parties.

The AMI action Bridge takes both out of whatever they do (see docs/design-notes.md for the measurement). Before it the
caller's channel is marked as served, so that behind the talk the dialplan knows what to do even without an engine; the
mark is taken back whenever the caller waits (again).
"""

import logging
from typing import Literal

from asterisk_conf.names import VAR_TALKED
from router.ami import actions
from router.ami.client import AmiClient, AmiDisconnected, AmiError, AmiRefused
from router.live.lines import Lines

log = logging.getLogger(__name__)

Joined = Literal["joined", "not joined", "caller gone", "not known"]
"""What became of a joining. `not known`: the connection was lost; the resync sees whether they are joined."""


class Joining:
    """Commands about two channels, carried out at once; who must not be in two of them at a time is the caller's."""

    def __init__(self, client: AmiClient, lines: Lines) -> None:
        self._client = client
        self._lines = lines

    async def caller_with(self, contact: str, channel_id: str) -> Joined:
        """Joins the contact's caller with this channel of ours."""
        try:
            caller = self._lines.channel(contact)
            if caller is None:
                raise AmiRefused("Bridge", "the caller's channel is not known")
            await self._mark(contact, "yes")
            await self.both(caller, channel_id)
            return "joined"
        except AmiDisconnected:
            return "not known"
        except AmiError as error:
            log.warning("cannot join %s with %s: %s", contact, channel_id, error)
        try:
            await self.not_served(contact)
        except AmiRefused:
            return "caller gone"
        except AmiDisconnected:
            return "not known"
        except AmiError:
            pass
        return "not joined"

    async def both(self, one: str, other: str) -> None:
        """Joins two channels. Raises AmiError."""
        await self._client.action("Bridge", actions.bridge(one, other))

    async def not_served(self, contact: str) -> None:
        """The caller has not been served (after all). Raises AmiError: AmiRefused when the caller is gone."""
        await self._mark(contact, "no")

    async def _mark(self, contact: str, served: Literal["yes", "no"]) -> None:
        await self._client.action("Setvar", actions.setvar(self._lines.uniqueid(contact), VAR_TALKED, served))
