"""Who may use the HTTP API: users, and tokens for programs."""

import asyncio
from collections.abc import Callable
from typing import Annotated, TypeVar

from pydantic import Field, SecretStr
from sqlalchemy.exc import SQLAlchemyError

from switchboard.api.accounts import AccountError, Token, User
from switchboard.operations.agents import known_agent
from switchboard.operations.base import AgentName, Answer, Ask, Done, OperationRefused, Request, Role, operation

T = TypeVar("T")
LEAST_PASSWORD, LONGEST_PASSWORD = 12, 256
UserName = Annotated[
    str, Field(min_length=1, max_length=64, pattern=r"^[A-Za-z0-9][A-Za-z0-9._@-]*$", description="The user's name.")
]
NewPassword = Annotated[
    SecretStr,
    Field(min_length=LEAST_PASSWORD, max_length=LONGEST_PASSWORD, exclude=True, description="The new password."),
]
TokenName = Annotated[
    str, Field(min_length=1, max_length=64, pattern=r"^[A-Za-z0-9][A-Za-z0-9._-]*$", description="The token's name.")
]
Roles = Annotated[list[Role], Field(max_length=5, description="What they may do; an agent needs no role for its own.")]


class Nothing(Ask):
    """Nothing needs to be said."""


class OfUser(Ask):
    """Concerns one user."""

    user: UserName


class UserRoles(OfUser):
    """What a user may do."""

    roles: Roles
    agent: AgentName | None = None
    """The agent that the user is, if any."""


class NewUser(UserRoles):
    """A user."""

    password: NewPassword


class UserPassword(OfUser):
    """A user's new password."""

    password: NewPassword


class OfToken(Ask):
    """Concerns one token."""

    token: TokenName


class NewToken(OfToken):
    """A token for a program."""

    roles: Roles
    agent: AgentName | None = None
    """The agent for whom the program asks, if any."""
    days: Annotated[int, Field(ge=1, le=3650)] | None = None
    """After how many days it expires; by default never."""


class UserAnswer(Answer):
    """A user."""

    name: str
    roles: list[Role]
    agent: str | None
    created_ms: int


class TokenAnswer(Answer):
    """A token, without the token itself."""

    name: str
    roles: list[Role]
    agent: str | None
    created_ms: int
    expires_ms: int | None
    used_ms: int | None
    """When it was last used, to the minute."""


class CreatedToken(Answer):
    """A new token."""

    token: str
    """The token itself: this is the only time that it is shown."""


@operation("GET", "/users", roles=("auditor",))
async def users(request: Request, ask: Nothing) -> list[UserAnswer]:
    """Users of the HTTP API."""
    return [_user(user) for user in await _do(request.engine.accounts.users)]


@operation("POST", "/users", roles=())
async def add_user(request: Request, ask: NewUser) -> Done:
    """Add a user of the HTTP API."""
    agent = _agent(request, ask.agent)
    await _do(lambda: request.engine.accounts.add_user(ask.user, ask.password.get_secret_value(), ask.roles, agent))
    request.changed({}, {"roles": ask.roles, "agent": agent})
    return Done(message=f"{ask.user} can log in.")


@operation("PUT", "/users/{user}/roles", roles=())
async def set_user_roles(request: Request, ask: UserRoles) -> Done:
    """Say what a user may do; it holds at once."""
    agent = _agent(request, ask.agent)
    before = await _do(lambda: request.engine.accounts.user(ask.user))
    await _do(lambda: request.engine.accounts.set_roles(ask.user, ask.roles, agent))
    request.changed({"roles": before.roles, "agent": before.agent}, {"roles": ask.roles, "agent": agent})
    return Done(message=f"{ask.user} has new roles.")


@operation("PUT", "/users/{user}/password", roles=())
async def set_user_password(request: Request, ask: UserPassword) -> Done:
    """Set a user's password; all sessions of the user end."""
    await _do(lambda: request.engine.accounts.set_password(ask.user, ask.password.get_secret_value()))
    return Done(message=f"{ask.user} has a new password.")


@operation("DELETE", "/users/{user}", roles=())
async def remove_user(request: Request, ask: OfUser) -> Done:
    """Remove a user; all sessions of the user end."""
    before = await _do(lambda: request.engine.accounts.user(ask.user))
    await _do(lambda: request.engine.accounts.remove_user(ask.user))
    request.changed({"roles": before.roles, "agent": before.agent}, {})
    return Done(message=f"{ask.user} is removed.")


@operation("GET", "/tokens", roles=("auditor",))
async def tokens(request: Request, ask: Nothing) -> list[TokenAnswer]:
    """Tokens of programs, and when they were last used."""
    return [_token(token) for token in await _do(request.engine.accounts.tokens)]


@operation("POST", "/tokens", roles=())
async def create_token(request: Request, ask: NewToken) -> CreatedToken:
    """Create a token for a program."""
    agent = _agent(request, ask.agent)
    token = await _do(lambda: request.engine.accounts.create_token(ask.token, ask.roles, agent, ask.days))
    request.changed({}, {"roles": ask.roles, "agent": agent, "days": ask.days})
    return CreatedToken(token=token)


@operation("DELETE", "/tokens/{token}", roles=())
async def revoke_token(request: Request, ask: OfToken) -> Done:
    """Revoke a token; it holds at once."""
    await _do(lambda: request.engine.accounts.revoke_token(ask.token))
    return Done(message=f"The token {ask.token} is revoked.")


async def _do(work: Callable[[], T]) -> T:
    """In a thread, because the database and the hashing of passwords take their time."""
    try:
        return await asyncio.to_thread(work)
    except AccountError as error:
        raise OperationRefused(str(error), "unknown" if error.unknown else "conflict") from None
    except SQLAlchemyError as error:
        raise OperationRefused(f"the accounts cannot be used just now: {error.args[0]}") from error


def _agent(request: Request, name: str | None) -> str | None:
    """The agent's name, if there is one of that name; who the agents are is known while the engine runs."""
    return known_agent(request, name) if name is not None and hasattr(request.engine, "live") else name


def _user(user: User) -> UserAnswer:
    return UserAnswer(name=user.name, roles=list(user.roles), agent=user.agent, created_ms=user.created_ms)


def _token(token: Token) -> TokenAnswer:
    return TokenAnswer(
        name=token.name,
        roles=list(token.roles),
        agent=token.agent,
        created_ms=token.created_ms,
        expires_ms=token.expires_ms,
        used_ms=token.used_ms,
    )
