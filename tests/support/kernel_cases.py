"""Random settings for the kernel, and the reference's log as rows like the kernel's."""

import random
from itertools import product
from typing import Any

import msgspec

from documents import DocumentError, Source
from router.core import decisions as d
from router.core import events as e
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
from router.core.policy_check import check_policy
from simulations.kernel.machine import layout as k
from simulations.scenario import Scenario
from simulations.setting import Centre, Setting, settle
from simulations.shell import Handled

Row = list[int]

AGENT_KEYS = (
    *("best_fit", "cheapest", "fewest_contacts", "least_occupied", "least_skilled", "longest_idle"),
    *("preferred_agent", "random", "round_robin"),
)
CONTACT_KEYS = ("age", "best_fit", "priority", "queue_weight", "time_to_goal")
WHERES = (
    'agent.team == "red"',
    'agent.site != "north"',
    "contact.vip",
    '!contact.vip || agent.team == "blue"',
    'contact.language == "en" || "s1" in agent.skills',
    'agent.name != "a0"',
    "contact.size > 2.5",
)


EXTRAS = ("answering", "handle_time_factor", "speed", "tenure")
"""What staff may have that is not plain."""


def random_setting(seed: int, plain: bool = False) -> Setting:
    """A setting made of the number `seed`; its policy has no error. `plain`: one for which `layout.PLAIN` holds."""
    dice = random.Random(seed)
    while True:
        policy = msgspec.structs.replace(_policy(dice), pause_reasons=_reasons(random.Random(f"reasons {seed}")))
        if plain:
            policy = _without_extras(policy)
        if any(problem.severity == "error" for problem in check_policy(policy)):
            continue
        document = _scenario(dice, policy) | _busy_days(random.Random(f"busy days {seed}"))
        _other_gaps(random.Random(f"gaps {seed}"), document)
        _habits(random.Random(f"habits {seed}"), document)
        if plain:
            document.pop("answering")
            for staff, extra in product(document.get("staff", ()), EXTRAS):
                staff.pop(extra, None)
        else:
            _finite_lines(random.Random(f"lines {seed}"), document)
            _redials(random.Random(f"redials {seed}"), document)
            _outages(random.Random(f"outages {seed}"), document, policy)
            _shift_ends(random.Random(f"shift ends {seed}"), document)
            _announcements(random.Random(f"announcements {seed}"), document)
            _waiting_keys(random.Random(f"waiting keys {seed}"), document)
            _self_service(random.Random(f"self-service {seed}"), document)
        scenario = Scenario.model_validate(document)
        try:
            return settle(Source("random.yaml", document, {}), scenario, Centre(policy))
        except DocumentError:
            continue


def _without_extras(policy: Policy) -> Policy:
    plain = {"wrap_up_ms": 0, "longest_wait_ms": None, "full_at": None, "when_full": None, "when_unstaffed": None}
    queues = tuple(
        msgspec.structs.replace(queue, steps=(msgspec.structs.replace(queue.steps[0], until=Until()),), **plain)
        for queue in policy.queues
    )
    return msgspec.structs.replace(policy, queues=queues)


def _busy_days(dice: random.Random) -> dict[str, object]:
    """Days that differ, and callers counted by kind; of a dice of their own, so that a case stays what it was."""
    if dice.random() < 0.6:
        return {"control_variates": True} if dice.random() < 0.2 else {}
    busyness = {
        "distribution": dice.choice(("gamma", "lognormal")),
        "scv": dice.choice((0.01, 0.2)),
        "correlation": dice.choice((0, 0.5, 1)),
    }
    if dice.random() < 0.5:
        busyness["within_day"] = {"scv": dice.choice((0.02, 0.5)), "correlation": dice.choice((0, 0.7))}
    return {"busyness": busyness}


def _finite_lines(dice: random.Random, document: dict[str, Any]) -> None:
    """Groups of lines, for all kinds or for some, of which some may be for nobody's sake."""
    if dice.random() < 0.7:
        return
    kinds = list(document["kinds"])
    document["lines"] = [
        {"count": dice.choice((1, 2, 5, 20))} | ({"kinds": dice.sample(kinds, 1)} if dice.random() < 0.5 else {})
        for _ in range(dice.choice((1, 1, 2, 3)))
    ]


def _other_gaps(dice: random.Random, document: dict[str, Any]) -> None:
    """Arrivals that are no Poisson stream, in some of the cases."""
    for kind in document["kinds"].values():
        if "trace" not in kind["arrivals"] and dice.random() < 0.15:
            kind["arrivals"]["interarrival"] = dice.choice(
                (
                    {"distribution": "hyperexponential", "mean": 2, "scv": 4},
                    {"distribution": "erlang", "mean": 9, "phases": 3},
                    {"distribution": "uniform", "low": 5, "high": 25},
                    30,
                )
            )


def _redials(dice: random.Random, document: dict[str, Any]) -> None:
    """Callers of some kinds who call again, some of them at once or very often."""
    if dice.random() < 0.65:
        return
    for kind in document["kinds"].values():
        if dice.random() < 0.7:
            fates = dice.sample(("abandoned", "blocked", "overflowed", "cut_off", "answered"), dice.randint(1, 5))
            most = {"most": dice.choice((2, 3, 9))} if dice.random() < 0.6 else {}
            delays = (0, 0.5, _distribution(dice, 20.0), _distribution(dice, 200.0))
            kind["redials"] = most | {
                fate: {"share": dice.choice((0.2, 0.6, 0.6, 0.95)), "delay_s": dice.choice(delays)} for fate in fates
            }


def _outages(dice: random.Random, document: dict[str, Any], policy: Policy) -> None:
    """Sites or teams that are gone for a time, some of them twice, or on the way over midnight."""
    if dice.random() < 0.7:
        return
    places = [*({"site": agent.site} for agent in policy.agents), *({"group": agent.team} for agent in policy.agents)]
    spans = ("00:01-00:02", "00:02-00:05", "00:03-00:12", "12:01-12:03", "23:58-00:03")
    document["outages"] = [
        dice.choice([place for place in places if all(place.values())])
        | {"during": dice.choice(spans), "talks": dice.choice(("lost", "kept", "handed_back"))}
        for _ in range(dice.choice((1, 1, 2, 4)))
    ]


def _shift_ends(dice: random.Random, document: dict[str, Any]) -> None:
    """Staff who hand back what they have when their shift ends."""
    for staff in document.get("staff") or ():
        if dice.random() < (0.5 if "shifts" in staff else 0.1):
            staff["shift_end"] = "hand_back"


def _announcements(dice: random.Random, document: dict[str, Any]) -> None:
    """Callers who hear how long it will take; not where talks are handed back, which is refused together."""
    if dice.random() < 0.6 or _hands_back(document):
        return
    for kind in document["kinds"].values():
        if dice.random() < 0.8:
            kind["announcement"] = {
                "tells": dice.choice((50, 80, 95)),
                "from_s": dice.choice((0, 0, 3.5, 20)),
                "leave_at_once": dice.choice((0, 0.5, 1)),
                "leaving_by_wait": dice.choice(({}, {10: 0.3}, {0: 0, 15.5: 0.2, 60: 0.6, 300: 0.9})),
                "patience_factor": dice.choice((1, 0.4, 1.7)),
            } | ({"patience_s": _distribution(dice, 50.0)} if dice.random() < 0.4 else {})


def _self_service(dice: random.Random, document: dict[str, Any]) -> None:
    """Callers who are in an IVR before they wait."""
    if dice.random() < 0.7:
        return
    for kind in document["kinds"].values():
        if dice.random() < 0.8:
            takes = dice.choice((0, 0.4, 30, _distribution(dice, 20.0)))
            kind["self_service"] = {"takes_s": takes, "served": dice.choice((0, 0.3, 1))}


def _hands_back(document: dict[str, Any]) -> bool:
    handing = any("hand_back" in staff.values() for staff in document.get("staff") or ())
    return handing or any(outage["talks"] == "handed_back" for outage in document.get("outages", ()))


def _waiting_keys(dice: random.Random, document: dict[str, Any]) -> None:
    """Callers who press keys, with which they leave or go on to a later queue, so that nobody goes round."""
    if dice.random() < 0.6 or _hands_back(document):
        return
    queues = list(document["queues"])
    for kind in document["kinds"].values():
        keys = {}
        for key in dice.sample("0123456789*#", dice.randint(0, 3)):
            keys[key] = {
                "share": dice.choice((0.1, 0.3)),
                "after_s": dice.choice((0, 4, _distribution(dice, 15.0))),
                "when_wait_over_s": dice.choice((0, 0, 4.5, 30)),
            }
            first = dice.randrange(len(queues))
            if dice.random() < 0.6:
                keys[key]["queue"] = queues[first]
                if first + 1 < len(queues):
                    keys[key]["to_queue"] = dice.choice(queues[first + 1 :])
        if keys:
            kind["waiting_keys"] = keys


WITHIN = {"00:00-00:03": "00:01-00:02", "00:01-00:08": "00:02-00:06", "00:00-00:10": "00:03-00:04"}
"""Breaks that lie in these shifts."""


def _reasons(dice: random.Random) -> tuple[str, ...]:
    """With them an agent may have a break for the very reason of another pause."""
    failures = ("no answer", "declined")
    return dice.choice(((), (), ("lunch", *failures), failures, failures[::-1]))


def _habits(dice: random.Random, document: dict[str, Any]) -> None:
    """Staff who pause, are late, ill, slow in some things, or new."""
    if dice.random() < 0.5:
        return
    document["staff"] = document.get("staff") or [{"agents": "all"}]
    if dice.random() < 0.2:
        document["start"] = "2026-03-02 12:00"  # whoever has shifts is away then
    for staff in document["staff"]:
        breaks = [WITHIN[shift] for shift in staff.get("shifts", []) if shift in WITHIN]
        if "shifts" not in staff:
            breaks = ["00:01-00:02", "00:04-00:08", "12:01-12:03"]
        if breaks and dice.random() < 0.6:
            staff["breaks"] = breaks
        if dice.random() < 0.3:
            staff["absence"] = dice.choice((0.1, 0.5))
        if dice.random() < 0.4:
            staff["late"] = {"share": dice.choice((0.3, 1)), "by_s": _distribution(dice, 60.0)}
        if dice.random() < 0.4:
            things = [*document["kinds"], *document["queues"]]
            staff["speed"] = {
                "factor": {name: dice.choice((0.5, 1.3)) for name in things if dice.random() < 0.4},
                "handle_time_s": {name: _distribution(dice, 30.0) for name in things if dice.random() < 0.3},
            }
        if dice.random() < 0.3:
            staff["tenure"] = {
                "days": _distribution(dice, 40.0),
                "days_ahead": dice.choice((0, 30)),
                "learning": {0: 1.6, 30: 1.2, 90: 1},
                "leave_per_year": dice.choice((0, 0.9)),
            }


def _keys(dice: random.Random, names: tuple[str, ...], most: int) -> tuple[KeySpec, ...]:
    chosen = dice.sample(names, dice.randint(1, most))
    return tuple(
        KeySpec(name, {"step": dice.choice((0.05, 0.2))} if name == "least_occupied" and dice.random() < 0.5 else {})
        for name in chosen
    )


def _condition(dice: random.Random) -> Condition:
    skills = {f"s{number}": dice.randint(1, 6) for number in dice.sample(range(4), dice.choice((0, 1, 1, 2)))}
    if dice.random() < 0.15:
        skills = {"contact.language": dice.randint(1, 4)}
    return Condition(skills, dice.choice(WHERES) if dice.random() < 0.3 else None)


def _until(dice: random.Random) -> Until:
    return Until(
        after_ms=dice.choice((None, 0, 1_000, 5_000, 20_000, 60_000)),
        clock=dice.choice(("step", "age")),
        none_logged_in=dice.random() < 0.3,
        none_available=dice.random() < 0.2,
        refusals=dice.choice((None, None, 1, 2)),
    )


def _action(dice: random.Random, later: list[str]) -> LastAction:
    if later and dice.random() < 0.5:
        return LastAction("queue", dice.choice(later))
    return LastAction("exit", "away")


def _maybe(dice: random.Random, share: float, *values: Any) -> Any:
    return dice.choice(values) if dice.random() < share else None


def _queue(dice: random.Random, number: int, count: int) -> Queue:
    later = [f"q{other}" for other in range(number + 1, count)]
    steps = tuple(
        Step(
            f"step {position}",
            _condition(dice),
            "replace" if position == 0 else dice.choice(("replace", "add", "add", "narrow")),
            _until(dice),
            _keys(dice, AGENT_KEYS, 3) if dice.random() < 0.2 else None,
        )
        for position in range(dice.randint(1, 3))
    )
    full_at = _maybe(dice, 0.2, 1, 3, 8)
    return Queue(
        f"q{number}",
        Goal(dice.choice((0, 5_000, 20_000)), 0.8, dice.choice((0, 3_000))),
        steps,
        _action(dice, later),
        floor=Condition({f"s{dice.randint(0, 3)}": 1}) if dice.random() < 0.15 else Condition(),
        priority=dice.randint(0, 3),
        priority_per_minute=dice.choice((0.0, 0.0, 1.0, 2.5)),
        priority_cap=_maybe(dice, 0.3, 2, 5),
        weight=dice.randint(1, 3),
        ring_ms=dice.choice((5_000, 20_000)),
        wrap_up_ms=dice.choice((0, 0, 10_000, 30_000)),
        preferred_agent_ms=dice.choice((0, 10_000)),
        longest_wait_ms=_maybe(dice, 0.3, 1, 30_000, 120_000),
        full_at=full_at,
        when_full=_action(dice, later) if full_at is not None else None,
        agent_ranking=_keys(dice, AGENT_KEYS, 3),
        when_unstaffed=_action(dice, later) if dice.random() < 0.2 else None,
    )


def _policy(dice: random.Random) -> Policy:
    queues = dice.randint(1, 4)
    agents = tuple(
        Agent(
            f"a{number}",
            {f"s{skill}": dice.randint(1, 10) for skill in dice.sample(range(4), dice.randint(1, 3))}
            | ({"en": dice.randint(1, 5)} if dice.random() < 0.5 else {}),
            dice.choice(("", "red", "blue")),
            dice.choice(("north", "south")),
            tuple(dice.sample([f"q{q}" for q in range(queues)], dice.randint(1, queues)))
            if dice.random() < 0.2
            else None,
            cost_per_hour=dice.choice((0.0, 17.5, 30.0)),
        )
        for number in range(dice.choice((1, 2, 4, 8, 70)))
    )
    return Policy(
        1,
        tuple(_queue(dice, number, queues) for number in range(queues)),
        agents,
        _keys(dice, CONTACT_KEYS, 3),
        AfterFailure(
            no_answer=dice.choice((None, "no answer", "no answer")),
            declined=dice.choice((None, "declined")),
            no_answer_limit=dice.choice((1, 1, 2)),
            declined_limit=dice.choice((1, 3)),
        ),
        short_busy_retry_ms=dice.choice((100, 5_000, 20_000)),
    )


def _distribution(dice: random.Random, mean: float) -> Any:
    return dice.choice(
        (
            mean,
            round(mean),
            {"distribution": "exponential", "mean": mean},
            {"distribution": "lognormal", "mean": mean, "scv": 1.5},
            {"distribution": "gamma", "mean": mean, "scv": 0.7},
            {"distribution": "weibull", "mean": mean, "shape": 0.8},
            {"distribution": "erlang", "mean": mean, "phases": 2},
            {"distribution": "hyperexponential", "mean": mean, "scv": 3},
            {"distribution": "empirical", "values": [mean / 2, mean, mean * 1.5], "weights": [1, 2, 1]},
        )
    )


def _answering(dice: random.Random) -> dict[str, Any]:
    if dice.random() < 0.4:
        return {}
    return {
        "delay_s": dice.choice((0, 2, 0.25, _distribution(dice, 4.0))),
        "no_answer": dice.choice((0, 0.1, 0.4)),
        "declined": dice.choice((0, 0.1, 0.5)),
        "back_after_s": dice.choice((0, 20, _distribution(dice, 60.0))),
    }


def _attributes(dice: random.Random) -> dict[str, Any]:
    return {
        "vip": dice.random() < 0.5,
        "language": dice.choice(("en", {"en": 0.7, "s1": 0.2, "fr": 0.1})),
        "size": dice.choice((1, 2.5, 3)),
        "topic": dice.choice(("x", {"x": 0.5, "y": 0.5})),
    }


def _kind(dice: random.Random, policy: Policy, minutes: int, load: float) -> dict[str, Any]:
    kind: dict[str, Any] = {"queue": dice.choice(policy.queues).name, "attributes": _attributes(dice)}
    handle_s = dice.choice((20.0, 60.0, 180.0))
    per_hour = load * len(policy.agents) * 3600 / handle_s
    way = dice.random()
    if way < 0.2:
        kind["arrivals"] = {"trace": _trace(dice, policy, minutes, min(150, int(per_hour * minutes / 60) + 1))}
    elif way < 0.5:
        kind["arrivals"] = {"per_hour": [per_hour * dice.choice((0, 0.5, 1, 2)) for _ in range(minutes // 5)]}
    else:
        kind["arrivals"] = {"per_hour": per_hour}
    if dice.random() < 0.6:
        kind["handle_time_s"] = _distribution(dice, handle_s)
    if dice.random() < 0.2:
        kind["priority"] = dice.randint(0, 4)
    if dice.random() < 0.4:
        kind["patience_s"] = _distribution(dice, dice.choice((5.0, 60.0)))
    return kind


def _trace(dice: random.Random, policy: Policy, minutes: int, count: int) -> list[dict[str, Any]]:
    contacts = []
    for _ in range(count):
        contact: dict[str, Any] = {"at_s": dice.choice((dice.randint(0, minutes * 60), dice.random() * minutes * 60))}
        if dice.random() < 0.2:
            contact["queue"] = dice.choice(policy.queues).name
        if dice.random() < 0.2:
            contact["priority"] = dice.randint(0, 9)
        for field in ("handle_s", "wrap_up_s", "patience_s", "waited_s"):
            if dice.random() < 0.2:
                contact[field] = dice.choice((0, 3, 17.3456))
        if dice.random() < 0.2:
            contact["attributes"] = {"vip": True}
        contacts.append(contact)
    return contacts


def _scenario(dice: random.Random, policy: Policy) -> dict[str, Any]:
    minutes = dice.choice((10, 20, 30))
    kinds = dice.randint(1, 3)
    load = dice.choice((0.3, 0.8, 1.2, 2.0)) / kinds
    if len(policy.agents) > 20:
        minutes = 5
    staff: Any = None
    if dice.random() < 0.5:
        names = [agent.name for agent in policy.agents]
        dice.shuffle(names)
        cut = dice.randint(0, len(names) - 1)
        shifts = (["00:00-00:03", "00:04-00:20"], ["00:01-00:08"], ["00:00-00:10", "00:10-00:30"], ["23:00-00:04"])
        staff = [{"agents": names[cut:], "handle_time_factor": dice.choice((1.0, 1.3))}]
        if cut:
            part = {"agents": names[:cut], "shifts": dice.choice(shifts), "answering": _answering(dice)}
            staff.append(part)
        staff.append({"group": "temps", "count": dice.randint(0, 2), "skills": {"s0": 4, "s1": 2}})
    wraps = {queue.name for queue in policy.queues if queue.wrap_up_ms}
    return {
        "name": "random",
        "duration_minutes": minutes,
        "interval_minutes": 5,
        "warm_up_minutes": dice.choice((0, 0, 5)) if minutes > 5 else 0,
        "run_off_minutes": dice.choice((0, 1, 60)),
        "seed": dice.choice((dice.randint(0, 9), dice.randint(0, 2**70))),
        "kinds": {f"k{number}": _kind(dice, policy, minutes, load) for number in range(kinds)},
        "queues": {
            queue.name: {"handle_time_s": _distribution(dice, 40.0)}
            | ({"patience_s": _distribution(dice, dice.choice((0.5, 20.0, 90.0)))} if dice.random() < 0.6 else {})
            | (
                {"wrap_up_s": _distribution(dice, dice.choice((5.0, 40.0)))}
                if queue.name in wraps and dice.random() < 0.6
                else {}
            )
            for queue in policy.queues
        },
        "answering": _answering(dice),
    } | ({"staff": staff} if staff is not None else {})


# The reference's log as rows

STATES = ("offline", "ready", "ringing", "busy", "wrap_up", "paused")
OUTCOMES = ("answered", "abandoned", "overflowed", "", "", "left")
CAUSES = ("cancelled", "no_answer", "declined", "", "unreachable")
REASONS = {
    "first step": k.FIRST,
    "nobody signed in": k.NOBODY_SIGNED_IN,
    "nobody available": k.NOBODY_AVAILABLE,
    "longest wait": k.LONGEST_WAIT,
}


def reference_rows(setting: Setting, log: list[Handled]) -> list[Row]:
    """What the router was told and what it decided, row by row."""
    return _Rows(setting).of(log)


class _Rows:
    def __init__(self, setting: Setting) -> None:
        self.policy = setting.policy
        self.agents = {agent.name: number for number, agent in enumerate(self.policy.agents)}
        self.queues = {queue.name: number for number, queue in enumerate(self.policy.queues)}
        self.contacts: dict[str, int] = {}

    def of(self, log: list[Handled]) -> list[Row]:
        rows = []
        for now_ms, event, decided in log:
            for line in (self._event(event), *map(self._decision, decided)):
                rows.append([now_ms, *line, *[-1] * (7 - len(line))])  # noqa: PERF401 - it reads better
        return rows

    def _event(self, event: e.Event) -> tuple[int, ...]:
        match event:
            case e.ContactArrived():
                self.contacts[event.contact] = len(self.contacts) + 1
                return k.ARRIVED, self.contacts[event.contact], self.queues[event.queue]
            case e.ContactLeft():
                return k.WENT if event.cause == "left" else k.LEFT, self.contacts[event.contact]
            case e.ContactMoved():
                return k.MOVED, self.contacts[event.contact], self.queues[event.queue]
            case e.ContactEnded():
                return k.ENDED, self.contacts[event.contact]
            case e.OfferAccepted():
                return k.ACCEPTED, int(event.offer[1:])
            case e.OfferDeclined():
                return k.DECLINED, int(event.offer[1:])
            case e.OfferFailed():
                return k.OFFER_FAILED, int(event.offer[1:])
            case e.ContactTransferred():
                return k.TRANSFERRED, self.contacts[event.contact], self.queues[event.queue]
            case e.AgentPaused():
                return k.AGENT_PAUSED, self.agents[event.agent]
            case e.AgentReady():
                return k.READY, self.agents[event.agent]
            case e.AgentSignedIn():
                return k.SIGNED_IN, self.agents[event.agent]
            case e.AgentSignedOut():
                return k.SIGNED_OUT, self.agents[event.agent]
            case e.WrapUpExtended():
                return k.EXTENDED, self.agents[event.agent], event.extra_ms
            case e.TimePassed():
                return k.TIME_PASSED, 0
        raise AssertionError(event)

    def _decision(self, decision: d.Decision) -> tuple[int, ...]:
        match decision:
            case d.ContactQueued():
                moved = -1 if decision.moved_from is None else self.queues[decision.moved_from]
                return k.QUEUED, self.contacts[decision.contact], self.queues[decision.queue], moved
            case d.StepEntered():
                queue = self.policy.queues[self.queues[decision.queue]]
                step = [step.name for step in queue.steps].index(decision.step)
                reason = self._reason(decision.reason)
                return k.STEP, self.contacts[decision.contact], self.queues[decision.queue], step, reason
            case d.Offer():
                return k.OFFER, *self._offer(decision), decision.deadline_ms
            case d.CancelOffer():
                return k.CANCEL, *self._offer(decision)
            case d.Connect():
                return k.CONNECT, *self._offer(decision)
            case d.EndTalk():
                return k.END_TALK, *self._offer(decision)
            case d.OfferEnded():
                return k.OFFER_ENDED, *self._offer(decision), CAUSES.index(decision.cause)
            case d.ContactReleased():
                contact, queue = self.contacts[decision.contact], self.queues[decision.queue]
                return k.RELEASED, contact, queue, 0, self._reason(decision.reason)
            case d.ContactFinished():
                agent = -1 if decision.agent is None else self.agents[decision.agent]
                outcome = OUTCOMES.index(decision.outcome)
                times = (decision.wait_ms, decision.talk_ms)
                contact, queue = self.contacts[decision.contact], self.queues[decision.queue]
                return k.FINISHED, contact, queue, outcome, *times, agent
            case d.AgentChanged():
                contact = -1 if decision.contact is None else self.contacts[decision.contact]
                reason = 0
                if decision.state == "paused":
                    after = self.policy.after_failure
                    known = {after.declined: k.REFUSED, after.no_answer: k.NO_ANSWER}
                    reason = known.get(decision.reason, k.ON_BREAK)
                return k.CHANGED, self.agents[decision.agent], STATES.index(decision.state), reason, contact
            case d.ReleaseAgent():
                return k.RELEASE_AGENT, int(decision.offer[1:])
            case d.AgentSuspended():
                return k.SUSPENDED, self.agents[decision.agent], CAUSES.index(decision.cause), decision.failures
        raise AssertionError(decision)

    def _offer(self, decision: d.Offer | d.CancelOffer | d.Connect | d.OfferEnded | d.EndTalk) -> tuple[int, int, int]:
        return int(decision.offer[1:]), self.contacts[decision.contact], self.agents[decision.agent]

    def _reason(self, reason: str) -> int:
        if reason in REASONS:
            return REASONS[reason]
        if reason.endswith(" is full"):
            return k.FULL
        if reason.endswith(" refusals"):
            return k.REFUSALS
        return k.AFTER_AGE if reason.startswith("age ") else k.AFTER_STEP


def first_difference(expected: list[Row], found: list[Row]) -> str:
    """Where two logs part, with what led to it; "" if they are equal."""
    for number, (one, other) in enumerate(zip(expected, found, strict=False)):
        if one != other:
            before = "\n".join(f"      {row}" for row in expected[max(0, number - 12) : number])
            return f"row {number} of {len(expected)} differs\n{before}\nsimpy {one}\nkernel {other}"
    if len(expected) != len(found):
        return f"one log is longer: {len(expected)} rows, {len(found)} in the kernel"
    return ""


def as_json(thing: Any) -> str:
    return msgspec.json.encode(thing).decode()
