"""Random but valid routing policies, small enough that everything collides with everything.

From a seeded generator rather than drawn piece by piece, so that a property test can afford a long day's events on top.
"""

from random import Random

from router.core.policy import (
    AfterFailure,
    Agent,
    CallbackRules,
    Channel,
    Condition,
    Goal,
    KeySpec,
    LastAction,
    Policy,
    Queue,
    Reentry,
    Step,
    Until,
)

QUEUES = ("billing", "tech", "chat", "email")
AGENTS = ("anna", "bob", "cleo", "dan", "eve")
CONTACTS = tuple(f"c{n}" for n in range(14))
CALLERS = ("ann", "ben", "cat", "dee")
NUMBERS = ("100", "200", "300", "ann")
CHANNELS = (
    (Channel("voice"), Channel("chat"), Channel("email")),
    (Channel("voice", interrupts=("email",)), Channel("chat", interrupts=("email",)), Channel("email")),
    (Channel("voice", interrupts=("chat",)), Channel("chat", beside=("email",)), Channel("email", beside=("chat",))),
)
SKILLS = ("a", "b", "fr")
WHERES = (
    "agent.team == 'x'",
    "agent.site == contact.site",
    "agent.name == contact.owner",
    "agent.skills.a >= contact.level",
    "contact.vip == true || agent.site == 's1'",
    "agent.skills[contact.language] >= 2",
)
AGENT_KEYS = (
    *("longest_idle", "least_occupied", "fewest_contacts", "best_fit", "least_skilled"),
    *("preferred_agent", "cheapest", "round_robin", "random"),
)
CONTACT_KEYS = ("priority", "age", "time_to_goal", "queue_weight", "best_fit")

# Whatever a chain of the conditions above asks, she could take some contact; so no step is dead.
ALL_ROUNDER = Agent(
    "anna", {"a": 3, "b": 3, "fr": 3}, team="x", site="s1", capacity={"voice": 1, "chat": 2, "email": 1}
)


def random_policy(rng: Random, version: int = 1) -> Policy:
    queues = [name for name in QUEUES if name == "billing" or rng.random() < 0.6]
    voice = [name for name in queues if name in ("billing", "tech")]
    return Policy(
        version,
        tuple(_queue(rng, name, queues, voice[voice.index(name) + 1 :] if name in voice else []) for name in queues),
        (ALL_ROUNDER, *(_agent(rng, name, queues) for name in AGENTS[1:] if rng.random() < 0.7)),
        contact_ranking=_ranking(rng, CONTACT_KEYS),
        after_failure=AfterFailure(
            no_answer=rng.choice((None, "no answer")),
            declined=rng.choice((None, None, "declined")),
            no_answer_limit=rng.choice((1, 2)),
            declined_limit=rng.choice((1, 3)),
        ),
        short_busy_retry_ms=rng.choice((500, 4_000)),
        channels=rng.choice(CHANNELS),
    )


def _queue(rng: Random, name: str, names: list[str], onward: list[str]) -> Queue:
    """`names`: all queues. `onward`: those that it may overflow into."""
    actions = [LastAction("exit", "voicemail"), *(LastAction("queue", target) for target in onward)]
    full_at = rng.choice((None, None, None, None, 1, 3))
    when_closed = rng.choice((None, *actions))
    return Queue(
        name,
        Goal(rng.choice((5_000, 20_000)), 0.8, rng.choice((0, 2_000)), 60_000, rng.choice((0.0, 0.1))),
        _steps(rng, [other for other in names if other != name]),
        rng.choice(actions),
        channel=name if name in ("chat", "email") else "voice",
        floor=_condition(rng),
        priority=rng.randint(0, 1),
        priority_per_minute=rng.choice((0.0, 30.0)),
        priority_cap=rng.choice((None, 3)),
        weight=rng.randint(1, 2),
        ring_ms=rng.choice((2_000, 6_000)),
        wrap_up_ms=rng.choice((0, 3_000)),
        preferred_agent_ms=rng.choice((0, 4_000)),
        longest_wait_ms=rng.choice((None, None, None, 8_000, 30_000)),
        full_at=full_at,
        when_full=None if full_at is None else rng.choice(actions),
        agent_ranking=_ranking(rng, AGENT_KEYS),
        when_closed=when_closed,
        at_closing=None if when_closed is None else rng.choice((None, *actions)),
        when_unstaffed=rng.choice((None, None, None, *actions)),
        callback=rng.choice(
            (None, CallbackRules(2, 3_000), CallbackRules(1), CallbackRules(3, 4_000, expires_ms=9_000))
        ),
        reentry=rng.choice((None, Reentry(20_000), Reentry(5_000, place=False))),
        directed_ms=rng.choice((0, 3_000, 30_000)),
    )


def _steps(rng: Random, others: list[str]) -> tuple[Step, ...]:
    """`others`: the queues that may lend agents."""
    count = rng.randint(1, 3)
    combines = ["replace" if i == 0 else rng.choice(("replace", "add", "narrow")) for i in range(count)]
    return tuple(
        Step(
            rng.choice((f"step{i}", f"other{i}")),
            _condition(rng),
            combine=combines[i],
            until=Until(
                after_ms=rng.choice(
                    (3_000, 10_000, 30_000) if i < count - 1 else (None, None, None, None, None, 10_000)
                ),
                clock=rng.choice(("step", "age")),
                none_logged_in=rng.random() < 0.15,
                none_available=rng.random() < 0.1,
                refusals=rng.choice((None, None, 1, 2)),
                ewt_over_ms=rng.choice((None, None, 5_000)),
                below_goal=rng.random() < 0.1,
            ),
            agent_ranking=None if rng.random() < 0.5 else _ranking(rng, AGENT_KEYS),
            keep_free=None if combines[i] == "narrow" else rng.choice((None, None, None, 1, 2)),
            lent_by=tuple(others[:1]) if combines[i] != "narrow" and rng.random() < 0.25 else (),
        )
        for i in range(count)
    )


def _condition(rng: Random) -> Condition:
    if rng.random() < 0.5:
        return Condition()
    asked = rng.sample((*SKILLS, "contact.language"), rng.randint(0, 2))
    return Condition({name: rng.randint(1, 3) for name in asked}, rng.choice((None, None, *WHERES)))


def _ranking(rng: Random, keys: tuple[str, ...]) -> tuple[KeySpec, ...]:
    return tuple(map(KeySpec, rng.sample(keys, rng.randint(0, 3))))


def _agent(rng: Random, name: str, queues: list[str]) -> Agent:
    return Agent(
        name,
        {skill: rng.randint(1, 3) for skill in rng.sample(SKILLS, rng.randint(1, 3))},
        team=rng.choice(("x", "y")),
        site=rng.choice(("s1", "s2")),
        queues=None if rng.random() < 0.6 else tuple(rng.sample(queues, rng.randint(0, len(queues)))),
        capacity=rng.choice(({"voice": 1}, {"voice": 1, "chat": 2, "email": 2}, {"chat": 3}, {"voice": 1, "email": 1})),
        cost_per_hour=rng.choice((10.0, 20.0)),
    )
