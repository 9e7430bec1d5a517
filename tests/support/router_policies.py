"""Random but valid routing policies and contacts, small enough that everything collides with everything."""

from hypothesis import strategies as st

from router.core.policy import (
    AfterFailure,
    Agent,
    Condition,
    Goal,
    KeySpec,
    LastAction,
    Policy,
    Queue,
    Step,
    Until,
)

QUEUES = ("billing", "tech", "chat")
AGENTS = ("anna", "bob", "cleo", "dan", "eve")
CONTACTS = tuple(f"c{n}" for n in range(12))
SKILLS = ("a", "b", "fr")
WHERES = (
    "agent.team == 'x'",
    "agent.site == contact.site",
    "agent.name == contact.owner",
    "agent.skills.a >= contact.level",
    "contact.vip == true || agent.site == 's1'",
    "agent.skills[contact.language] >= 2",
)
TIMES = (None, 1_000, 3_000, 10_000)

ALL_ROUNDER = Agent("anna", {"a": 3, "b": 3, "fr": 3}, team="x", site="s1", capacity={"voice": 1, "chat": 2})


def conditions() -> st.SearchStrategy[Condition]:
    return st.builds(
        Condition,
        skills=st.dictionaries(st.sampled_from((*SKILLS, "contact.language")), st.integers(1, 3), max_size=2),
        where=st.sampled_from((None, None, *WHERES)),
    )


AGENT_KEYS = ("longest_idle", "least_occupied", "fewest_contacts", "best_fit", "least_skilled")
MORE_AGENT_KEYS = ("preferred_agent", "cheapest", "round_robin", "random")
CONTACT_KEYS = ("priority", "age", "time_to_goal", "queue_weight", "best_fit")


def rankings(*keys: str) -> st.SearchStrategy[tuple[KeySpec, ...]]:
    return st.lists(st.sampled_from(keys), unique=True, max_size=3).map(lambda names: tuple(map(KeySpec, names)))


@st.composite
def steps(draw: st.DrawFn) -> tuple[Step, ...]:
    count = draw(st.integers(1, 3))
    return tuple(
        Step(
            f"step{i}",
            draw(conditions()),
            combine="replace" if i == 0 else draw(st.sampled_from(("replace", "add", "narrow"))),
            until=Until(
                after_ms=draw(st.sampled_from(TIMES if i == count - 1 else TIMES[1:])),
                clock=draw(st.sampled_from(("step", "age"))),
                none_logged_in=draw(st.booleans()),
                none_available=draw(st.sampled_from((False, False, True))),
                refusals=draw(st.sampled_from((None, 1, 2))),
                ewt_over_ms=draw(st.sampled_from((None, None, 5_000))),
            ),
            agent_ranking=draw(st.none() | rankings(*AGENT_KEYS, *MORE_AGENT_KEYS)),
        )
        for i in range(count)
    )


@st.composite
def queues(draw: st.DrawFn, name: str, onward: tuple[str, ...]) -> Queue:
    """`onward`: the queues that it may overflow into."""
    actions = st.sampled_from([LastAction("exit", "voicemail"), *(LastAction("queue", target) for target in onward)])
    full_at = draw(st.sampled_from((None, None, 1, 3)))
    return Queue(
        name,
        Goal(draw(st.sampled_from((5_000, 20_000))), 0.8),
        draw(steps()),
        draw(actions),
        channel="chat" if name == "chat" else "voice",
        floor=draw(st.just(Condition()) | conditions()),
        priority=draw(st.integers(0, 1)),
        priority_per_minute=draw(st.sampled_from((0.0, 30.0))),
        priority_cap=draw(st.sampled_from((None, 3))),
        weight=draw(st.integers(1, 2)),
        ring_ms=draw(st.sampled_from((2_000, 6_000))),
        wrap_up_ms=draw(st.sampled_from((0, 3_000))),
        preferred_agent_ms=draw(st.sampled_from((0, 4_000))),
        longest_wait_ms=draw(st.sampled_from((None, 8_000, 30_000))),
        full_at=full_at,
        when_full=None if full_at is None else draw(actions),
        agent_ranking=draw(rankings(*AGENT_KEYS, *MORE_AGENT_KEYS)),
    )


def agents(name: str, queues: list[str]) -> st.SearchStrategy[Agent]:
    return st.builds(
        Agent,
        st.just(name),
        skills=st.dictionaries(st.sampled_from(SKILLS), st.integers(1, 3)),
        team=st.sampled_from(("x", "y")),
        site=st.sampled_from(("s1", "s2")),
        queues=st.none() | st.lists(st.sampled_from(queues), unique=True).map(tuple),
        capacity=st.sampled_from(({"voice": 1}, {"voice": 1, "chat": 2}, {"chat": 3})),
        cost_per_hour=st.sampled_from((10.0, 20.0)),
    )


@st.composite
def policies(draw: st.DrawFn, version: int = 1) -> Policy:
    names = draw(st.lists(st.sampled_from(AGENTS[1:]), unique=True, max_size=4))
    chosen = [queue for queue in QUEUES if queue == "billing" or draw(st.booleans())]
    voice = tuple(queue for queue in chosen if queue != "chat")
    return Policy(
        version,
        tuple(draw(queues(name, voice[voice.index(name) + 1 :] if name in voice else ())) for name in chosen),
        (ALL_ROUNDER, *(draw(agents(name, chosen)) for name in names)),
        contact_ranking=draw(rankings(*CONTACT_KEYS)),
        after_failure=AfterFailure(
            no_answer=draw(st.sampled_from((None, "no answer"))),
            declined=draw(st.sampled_from((None, "declined"))),
        ),
        short_busy_retry_ms=draw(st.sampled_from((500, 4_000))),
    )


def attributes() -> st.SearchStrategy[dict[str, str | int | bool]]:
    return st.fixed_dictionaries(
        {},
        optional={
            "language": st.sampled_from(("fr", "de")),
            "site": st.sampled_from(("s1", "s2")),
            "owner": st.sampled_from(AGENTS),
            "level": st.integers(1, 3),
            "vip": st.booleans(),
        },
    )
