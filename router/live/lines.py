"""Which channel of Asterisk is a contact's line.

Most contacts are callers, and their id is the Uniqueid of the caller's channel. The customer of a callback is rung on
a channel of our own, which is the contact's line as long as it lasts; until then such a contact has none. Whatever
acts on "the caller's channel" asks here, so that a talk is held, transferred and ended alike whoever rang whom.
"""

from collections.abc import Callable
from typing import Final

from router.core.entities import Contact

VOICEMAIL_PREFIX: Final = "voicemail-"
"""The ids of contacts that are recorded messages begin so: nobody is on the line, and an agent hears the message."""


class Lines:
    """The lines of all contacts. `name_of` gives the name of a caller's own channel, once it has been seen."""

    def __init__(self, name_of: Callable[[str], str | None]) -> None:
        self._name_of = name_of
        self._rung: dict[str, str] = {}
        self._contacts: dict[str, str] = {}

    def attach(self, contact: str, channel_id: str) -> None:
        """From now on this channel, which we have rung, is the contact's line."""
        self.detach(contact)
        self._rung[contact] = channel_id
        self._contacts[channel_id] = contact

    def detach(self, contact: str) -> None:
        """The channel that we had rung for the contact is gone."""
        if channel_id := self._rung.pop(contact, None):
            del self._contacts[channel_id]

    def rung(self, contact: str) -> str | None:
        """The ChannelId of the line that we have rung for the contact."""
        return self._rung.get(contact)

    def uniqueid(self, contact: str) -> str:
        """The Uniqueid of the contact's line, for every action but Bridge."""
        return self._rung.get(contact, contact)

    def channel(self, contact: str) -> str | None:
        """What the action Bridge calls the contact's line; None when that is not known."""
        return self._rung.get(contact) or self._name_of(contact)

    def is_line(self, uniqueid: str) -> bool:
        """Whether the channel is one that we have rung for a contact."""
        return uniqueid in self._contacts

    def has_line(self, contact: Contact) -> bool:
        """Whether somebody is on the line: a caller, or the customer of a callback who has answered."""
        if contact.channel != "voice" or contact.consult_of is not None or contact.id.startswith(VOICEMAIL_PREFIX):
            return False
        return contact.callback is None or contact.id in self._rung

    def contact(self, uniqueid: str) -> str:
        """The contact whose line has this Uniqueid."""
        return self._contacts.get(uniqueid, uniqueid)
