"""The places of the HTTP API that are no operations of the engine: sessions, the stream, health, metrics."""

from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field, SecretStr

from switchboard.api.endpoints import VERSION, Endpoint
from switchboard.operations import Done, Role
from switchboard.operations.accounts import LONGEST_PASSWORD, NewPassword

_Password = Annotated[SecretStr, Field(min_length=1, max_length=LONGEST_PASSWORD, exclude=True)]


class _Body(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True, use_attribute_docstrings=True)


class LogIn(_Body):
    """Who logs in."""

    user: Annotated[str, Field(min_length=1, max_length=64)]
    """The user's name."""
    password: _Password
    """The user's password."""


class ChangePassword(_Body):
    """A user's own new password."""

    current: _Password
    """The password until now."""
    new: NewPassword


class Session(BaseModel):
    """Who asks, and what that person may do."""

    model_config = ConfigDict(use_attribute_docstrings=True)

    name: str
    """The user, or the token's name."""
    roles: list[Role]
    """What the user may do."""
    agent: str | None
    """The agent that the user is, if any."""
    csrf_token: str | None
    """Goes into the header `X-CSRF-Token` of every change that is asked for with the session's cookie."""


class Health(BaseModel):
    """How the engine is."""

    model_config = ConfigDict(use_attribute_docstrings=True)

    status: Literal["ok", "not ready"]
    """In two words."""
    reasons: list[str]
    """What is missing."""


class StreamQuery(_Body):
    """What to follow, and from where."""

    view: Literal["centre", "mine"] | None = None
    """The whole centre, or an agent's own state and contacts; by default the most that one may see."""
    epoch: Annotated[str | None, Field(max_length=40)] = None
    """To resume: the `epoch` of the last message."""
    after: Annotated[int | None, Field(ge=0)] = None
    """To resume: the `seq` of the last message."""


LOG_IN = Endpoint(
    "log_in", "session", "POST", f"{VERSION}/session", "Log in with name and password",
    "Answers with a cookie. A session ends when it is not used for 30 minutes, and after 12 hours. After failures the "
    "next try has to wait (429, `Retry-After`).",
    body=LogIn, answer=Session, open=True, statuses=(401, 429),
)  # fmt: skip
WHO_AM_I = Endpoint(
    "who_am_i", "session", "GET", f"{VERSION}/session", "Say who asks, and what that person may do", answer=Session
)
LOG_OUT = Endpoint("log_out", "session", "DELETE", f"{VERSION}/session", "End the session", answer=Done)
CHANGE_PASSWORD = Endpoint(
    "change_own_password", "session", "PUT", f"{VERSION}/session/password", "Change one's own password",
    "Ends all sessions of the user, this one too.",
    body=ChangePassword, answer=Done, statuses=(403, 429),
)  # fmt: skip
STREAM = Endpoint(
    "stream", "state", "GET", f"{VERSION}/stream", "Follow the live state (WebSocket)",
    "A snapshot and then every change, numbered, resumable; see docs/api.md for the messages.",
    in_query=StreamQuery.model_fields, roles="supervisor, planner, auditor, admin; an agent sees its own part",
    statuses=(403, 426),
)  # fmt: skip
OPENAPI = Endpoint(
    "openapi", "description", "GET", f"{VERSION}/openapi.json", "This description", answer=dict, open=True
)
LIVE = Endpoint("health_live", "health", "GET", "/health/live", "Whether the engine responds", answer=Health, open=True)
READY = Endpoint(
    "health_ready", "health", "GET", "/health/ready", "Whether calls can be taken and routed; 503 when not",
    answer=Health, open=True, statuses=(503,),
)  # fmt: skip
METRICS = Endpoint(
    "metrics", "metrics", "GET", "/metrics", "Metrics for Prometheus",
    "Open to who asks from the engine's own machine, unless a proxy stands between; else with a token of any role.",
    media_type="text/plain", statuses=(401,), open=True,
)  # fmt: skip

OWN = (LOG_IN, WHO_AM_I, LOG_OUT, CHANGE_PASSWORD, STREAM, OPENAPI, LIVE, READY, METRICS)
"""All of them."""
