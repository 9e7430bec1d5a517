"""What can go wrong between us and Asterisk's manager interface, by whose fault it is.

Ours: `AmiMisuse`. Asterisk's answer: `AmiRefused`. The line's: `AmiTimeout` and `AmiDisconnected`, after which the
outcome is unknown (unless `sent` is false) and must be asked for, never assumed. The peer broke the protocol:
`AmiProtocolError`, which ends the connection.
"""


class AmiError(Exception):
    """Base of all errors of this room."""


class AmiMisuse(AmiError, ValueError):
    """We asked for an action that AMI cannot carry: a line break in a value, a line too long, a bad name."""


class AmiRefused(AmiError):
    """Asterisk answered `Response: Error`. `message` is its own text."""

    def __init__(self, action: str, message: str) -> None:
        self.action = action
        self.message = message
        super().__init__(f"Asterisk refused {action}: {message!r}")


class AmiTimeout(AmiError):
    """No answer in time. Asterisk may still carry the action out: ask before acting again."""

    def __init__(self, action: str, timeout_s: float, answered: str = "") -> None:
        self.action = action
        detail = f" ({answered})" if answered else ""
        super().__init__(f"Asterisk has not answered {action} within {timeout_s:g} s{detail}; the outcome is unknown")


class AmiDisconnected(AmiError):
    """There is no connection. With `sent` it was lost while the action was under way: the outcome is unknown, and the
    action is never repeated by itself. Without, nothing was sent."""

    def __init__(self, action: str, reason: str, *, sent: bool) -> None:
        self.action = action
        self.sent = sent
        outcome = "the outcome is unknown" if sent else "nothing was sent"
        super().__init__(f"no connection to Asterisk for {action}: {reason}; {outcome}")


class AmiBusy(AmiError):
    """Too many actions wait for their answers; nothing was sent."""


class AmiProtocolError(AmiError):
    """The peer sent what AMI does not allow, or is no Asterisk manager at all. The connection ends."""
