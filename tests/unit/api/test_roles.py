"""Who may do what, written down apart from the code: an operation that is new, or open to more people, fails here."""

from typing import Any

import pytest

from switchboard.engine import Engine
from switchboard.operations import Actor, Operation, OperationRefused, Role, perform, table
from switchboard.operations.base import AUDIT
from tests.support.api import bearer, client

ROLES: tuple[Role, ...] = ("agent", "supervisor", "planner", "auditor")

ITS_OWN = {
    *("sign_in", "sign_out", "pause", "ready", "accept_offer", "decline_offer", "end_contact", "list_contacts"),
    *("show_contact", "pause_recording", "resume_recording", "hold", "resume", "consult", "cancel_consult"),
    *("complete_transfer", "transfer", "requeue", "escalate", "decline", "hang_up", "disposition", "note"),
    *("extend_wrap_up", "end_wrap_up"),
}
"""What an agent may do without any role, of itself."""
CALLBACKS = {"list_callbacks", "book_callback", "reschedule_callback", "cancel_callback"}
VOICEMAILS = {"list_voicemails", "get_voicemail_audio", "mark_voicemail"}
LOOKING = {"state", "openings", "overrides", "report", "flow_traffic"}
BY_ROLE: dict[Role, set[str]] = {
    "agent": CALLBACKS | VOICEMAILS,
    "planner": {"list_callbacks"} | LOOKING,
    "auditor": {"list_callbacks", "list_voicemails", "list_contacts", "show_contact", "contact_story", "audit"}
    | {"users", "tokens", "monitors", "records_status", "versions", "compare_versions"}
    | LOOKING,
    "supervisor": ITS_OWN
    | CALLBACKS
    | VOICEMAILS
    | LOOKING
    | {"create_contact", "cancel_contact", "switch_queue", "switch_queues", "set_queue", "set_skill", "clear_overrides"}
    | {"monitor", "change_monitor", "stop_monitor", "monitors", "move", "pull", "set_priority", "hang_up_call"}
    | {"contact_story", "records_status", "delete_voicemail"},
}
ADMIN_ALONE = {
    *("add_user", "set_user_roles", "set_user_password", "remove_user", "create_token", "revoke_token", "reload"),
    *("preview_publication", "publish", "rollback", "promote", "withdraw"),
}

ARGUMENTS: dict[str, Any] = {
    "agent": "ben",
    "attributes": {},
    "base": 0,
    "code": "solved",
    "contact": "1.1",
    "first_day": "2026-01-01",
    "last_day": "2026-01-02",
    "level": 10,
    "mode": "listen",
    "number": "911234567",
    "offer": "1",
    "password": "long enough for anybody",
    "priority": 1,
    "queue": "billing",
    "reason": "lunch",
    "roles": ["admin"],
    "seconds": 60,
    "since": "2026-01-01T00:00:00Z",
    "skill": "en",
    "state": "closed",
    "subject": "queues",
    "supervisor": "ana",
    "token": "mine",
    "user": "eve",
    "version": 1,
    "voicemail": "1.1",
    "wrap_up_s": 1,
}


def arguments(operation: Operation, **wanted: Any) -> dict[str, Any]:
    """What is asked, complete: only the role is missing."""
    fields = operation.ask.model_fields
    required = {name: ARGUMENTS[name] for name, field in fields.items() if field.is_required()}
    if operation.name in ("consult", "transfer"):
        required["to_agent"] = "ana"
    if operation.name == "note":
        required["text"] = "rings again"
    return required | {name: value for name, value in wanted.items() if name in fields}


def test_the_table_is_this_and_nothing_else() -> None:
    for role in ROLES:
        assert {name for name, operation in table().items() if role in operation.roles} == BY_ROLE[role], role
    assert {name for name, operation in table().items() if operation.own} == ITS_OWN
    assert set(table()) == set.union(ADMIN_ALONE, *BY_ROLE.values())
    assert all("admin" in operation.roles for operation in table().values())


@pytest.mark.parametrize("role", ROLES)
async def test_without_the_role_nothing_happens_but_a_note(
    engine: Engine, role: Role, monkeypatch: pytest.MonkeyPatch
) -> None:
    facts: list[tuple[str, str]] = []
    monkeypatch.setattr(engine, "fact", lambda kind, **what: facts.append((kind, what["data"].get("refused", ""))))
    before = engine.live.router.snapshot()
    for name in sorted(set(table()) - BY_ROLE[role]):
        facts.clear()
        for agent in ("ben", None):
            asked = {key: value for key, value in arguments(table()[name], agent=agent).items() if value is not None}
            with pytest.raises(OperationRefused) as refused:
                await perform(engine, Actor("ana", frozenset({role}), "api", agent="ana"), name, asked)
            assert refused.value.kind == "forbidden" or (agent is None and refused.value.kind == "invalid"), name
        assert set(facts) <= {(AUDIT, "not allowed")}, name
        assert bool(facts) is table()[name].changes, name
    assert engine.live.router.snapshot() == before


@pytest.mark.parametrize("name", sorted(ITS_OWN))
def test_only_the_agent_itself_is_the_agent_itself(name: str) -> None:
    operation = table()[name]
    asked = arguments(operation, agent="ana", contact="1.1", offer="1")
    assert operation.allows(Actor("ana", frozenset(), "api", agent="ana"), operation.ask.model_validate(asked))
    for sneaked in ({"agent": "Ana"}, {"agent": "ana "}, {"agent": "ben"}):
        ask = operation.ask.model_validate(asked | sneaked)
        assert not operation.allows(Actor("ana", frozenset({"agent"}), "api", agent="ana"), ask)
    assert not operation.allows(Actor("nobody", frozenset(), "api"), operation.ask.model_validate(asked))


async def test_what_the_path_says_is_not_changed_by_the_body_or_the_query(engine: Engine) -> None:
    """Mass assignment: the agent of the path is checked, so no other place may name one."""
    async with client(engine, bearer(engine.accounts, "agent", agent="ana")) as http:
        async with http.post("/v1/agents/ana/pause", json={"reason": "lunch", "agent": "ben"}) as response:
            assert response.status == 400
        async with http.post("/v1/agents/ana/pause?agent=ben", json={"reason": "lunch"}) as response:
            assert response.status == 400
        async with http.post("/v1/agents/ana/sign-in", json={"roles": ["admin"]}) as response:
            assert response.status == 400
        for path in ("/v1/agents/ana%2F..%2Fben/sign-in", "/v1/agents/ana/../ben/sign-in", "/v1/agents/%62en/sign-in"):
            async with http.post(path) as response:
                assert response.status in (403, 404), path
    assert engine.live.router.agent("ben").state == "offline"
