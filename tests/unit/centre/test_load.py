from datetime import UTC, datetime
from pathlib import Path

import pytest

from documents import DocumentError
from router.core.policy import CallbackRules, Channel, Condition, KeySpec, LastAction, Reentry, Until
from switchboard.centre import Centre, load_centre
from tests.support.centres import FILES, SILENCE, write_centre


@pytest.fixture
def centre(tmp_path: Path) -> Centre:
    return load_centre(write_centre(tmp_path))


def test_a_centre_is_all_that_its_directory_says(centre: Centre) -> None:
    assert centre.name == "Test centre"
    assert centre.zone.key == "Europe/Madrid"
    assert centre.languages == ("en", "es")
    assert centre.numbers == {"100": "main"}
    assert centre.skills["es"] == "Spanish"
    assert set(centre.flows) == {"main"}
    assert set(centre.prompts.entries) == {"menu", "sorry"}
    assert set(centre.hours) == {"office"}
    assert centre.sounds == {"en": frozenset({"sorry"})}
    assert centre.library.default_language == "en"
    assert centre.library.languages == {"en", "es"}
    assert centre.settings.lookup.allow == ["crm.example"]
    assert centre.settings.asterisk.ami_port == 5038
    assert centre.warnings == ()


def test_hours_are_in_the_centre_s_zone(centre: Centre) -> None:
    def at(hour: int) -> int:
        return int(datetime(2026, 7, 6, hour, 30, tzinfo=UTC).timestamp() * 1000)

    assert [centre.hours["office"].is_open(at(hour)) for hour in (6, 7, 14, 15)] == [False, True, True, False]


def test_seconds_become_milliseconds(centre: Centre) -> None:
    billing, cards = centre.policy.queues
    assert (billing.goal.answered_within_ms, billing.goal.share, billing.goal.short_abandon_ms) == (20_000, 0.8, 5_000)
    assert (billing.ring_ms, billing.wrap_up_ms, billing.longest_wait_ms) == (15_000, 20_000, 300_000)
    assert cards.longest_wait_ms == 120_500
    assert billing.steps[0].until == Until(after_ms=30_000, none_logged_in=True)
    assert centre.policy.short_busy_retry_ms == 5_000


def test_the_policy_is_what_the_documents_say(centre: Centre) -> None:
    policy = centre.policy
    billing, cards = policy.queues
    assert billing.floor == Condition({"billing": 3})
    assert billing.steps[0].condition == Condition({"billing": 7, "contact.language": 5})
    assert billing.steps[1].condition == Condition({}, "agent.team != 'trainees'")
    assert (billing.steps[1].combine, billing.steps[1].until) == ("add", Until())
    assert (billing.last_action, cards.last_action) == (LastAction("queue", "cards"), LastAction("exit", "nobody"))
    assert (billing.priority, billing.priority_per_minute, billing.priority_cap) == (0, 1.0, 10)
    assert [spec.key for spec in billing.agent_ranking] == ["preferred_agent", "best_fit", "longest_idle"]
    assert [spec.key for spec in policy.contact_ranking] == ["priority", "age"]
    ana, ben = policy.agents
    assert (ana.skills, ana.team, ana.queues) == ({"en": 5, "es": 9, "billing": 8}, "first", None)
    assert ben.queues == ("cards",)
    assert policy.pause_reasons == ("lunch",)
    assert (policy.after_failure.no_answer, policy.after_failure.declined) == ("no answer", None)


def test_ranking_keys_have_parameters(tmp_path: Path) -> None:
    text = FILES["queues.yaml"].replace("[preferred_agent, best_fit,", "[{least_occupied: {step: 0.1}},")
    billing = load_centre(write_centre(tmp_path, {"queues.yaml": text})).policy.queues[0]
    assert billing.agent_ranking == (KeySpec("least_occupied", {"step": 0.1}), KeySpec("longest_idle"))


def test_what_becomes_of_agents_after_failed_offers(tmp_path: Path) -> None:
    text = "after_failure: {no_answer: ready, declined: pause, busy: pause}\n" + FILES["agents.yaml"]
    after = load_centre(write_centre(tmp_path, {"agents.yaml": text})).policy.after_failure
    assert (after.no_answer, after.declined, after.busy, after.unreachable) == (None, "declined", "busy", "unreachable")


def test_agents_have_phones(centre: Centre) -> None:
    ana, ben = centre.agents["ana"], centre.agents["ben"]
    assert (ana.display_name, ana.extension) == ("ana", "101")
    assert ana.phone is not None
    assert ana.phone.contact == "sip:101@10.0.0.7"
    assert ben.phone is not None
    assert ben.phone.password is not None
    assert ben.phone.password.secret_env == "PHONE_102"


@pytest.mark.parametrize("order", [1, -1])
def test_equal_directories_have_equal_hashes_wherever_they_are(tmp_path: Path, order: int) -> None:
    write_centre(tmp_path / "a")
    for name in sorted(FILES)[::order]:
        write_centre(tmp_path / "b", {other: None for other in FILES if other != name})
    assert load_centre(tmp_path / "a").hash == load_centre(tmp_path / "b").hash


@pytest.mark.parametrize("file", [*FILES, "sounds/en/sorry.wav"])
def test_every_byte_that_decides_about_calls_is_in_the_hash(tmp_path: Path, file: str) -> None:
    before = load_centre(write_centre(tmp_path)).hash
    path = tmp_path / file
    path.write_bytes(path.read_bytes() + (b"\0\0" if file.endswith("wav") else b"# x\n"))
    assert load_centre(tmp_path).hash != before


def test_tests_scenarios_and_secrets_are_not_in_the_hash(tmp_path: Path) -> None:
    before = load_centre(write_centre(tmp_path)).hash
    write_centre(tmp_path, {"tests/a.yaml": "x", "scenario.yaml": "x", "secrets.yaml": "x", "README.md": "x"})
    after = load_centre(tmp_path)
    assert after.hash == before
    assert [path.name for path in after.tests] == ["a.yaml"]


def test_recordings_may_lie_deeper(tmp_path: Path) -> None:
    text = FILES["prompts.yaml"].replace("centre:sorry", "centre:polite/sorry")
    centre = load_centre(write_centre(tmp_path, {"prompts.yaml": text, "sounds/en/polite/sorry.wav": SILENCE}))
    assert "polite/sorry" in centre.sounds["en"]


def test_an_older_flow_is_migrated(tmp_path: Path) -> None:
    nodes = "{sorry: {type: play, say: [menu, sorry], goto: end}, end: {type: hangup}}"
    text = f"schema: 1\nname: main\nstart: sorry\nnodes: {nodes}\n"
    centre = load_centre(write_centre(tmp_path, {"flows/main.yaml": text}))
    assert centre.flows["main"].exits["sorry"]["next"] == "end"


OPENING = """\
    hours: office
    when_closed: {exit: nobody}
    at_closing: {exit: nobody}
    when_unstaffed: {queue: cards}
    callback: {tries: 2, retry_s: 300, ring_s: 25, expires_s: 7200}
    reentry: {within_s: 300, agent: false}
    directed_s: 12.5
"""


def test_queues_open_close_and_ring_back(tmp_path: Path) -> None:
    text = FILES["queues.yaml"].replace("    ring_s: 15\n", OPENING)
    centre = load_centre(write_centre(tmp_path, {"queues.yaml": text}))
    billing, cards = centre.policy.queues
    assert centre.queue_hours == {"billing": "office"}
    assert (billing.when_closed, billing.at_closing) == (LastAction("exit", "nobody"), LastAction("exit", "nobody"))
    assert billing.when_unstaffed == LastAction("queue", "cards")
    assert billing.callback == CallbackRules(2, 300_000, 25_000, 7_200_000)
    assert billing.reentry == Reentry(300_000, place=True, agent=False)
    assert billing.directed_ms == 12_500
    assert (cards.when_closed, cards.at_closing, cards.when_unstaffed) == (None, None, None)
    assert (cards.callback, cards.reentry, cards.directed_ms) == (None, None, 30_000)


def test_the_exits_of_a_closed_queue_are_exits_of_the_flow(tmp_path: Path) -> None:
    queues = FILES["queues.yaml"].replace("    ring_s: 15\n", "    when_closed: {exit: shut}\n")
    flow = FILES["flows/main.yaml"].replace("queue: billing\n", "queue: billing\n    exits: {shut: sorry}\n")
    assert load_centre(write_centre(tmp_path, {"queues.yaml": queues, "flows/main.yaml": flow})).warnings == ()


CHATS = """
  chats:
    channel: chat
    goal: {answered_within_s: 60, share: 0.9}
    where: "contact.shop == agent.site"
    steps: [{name: all}]
    longest_wait_s: 3600
    last_action: {exit: nobody}
channels:
  chat: {beside: [email], auto_accept: true}
  email: {}
  voice: {interrupts: [email]}
"""


def test_channels_and_who_takes_them(tmp_path: Path) -> None:
    agents = FILES["agents.yaml"].replace("    team: first\n", "    capacity: {voice: 1, chat: 3, email: 0}\n")
    write_centre(tmp_path, {"queues.yaml": FILES["queues.yaml"] + CHATS, "agents.yaml": agents})
    centre = load_centre(tmp_path)
    assert centre.warnings == ()
    assert centre.policy.channels == (
        Channel("voice", interrupts=("email",)),
        Channel("chat", beside=("email",), auto_accept=True),
        Channel("email"),
    )
    assert centre.policy.queues[-1].channel == "chat"
    ana, ben = centre.policy.agents
    assert (ana.capacity, ben.capacity) == ({"voice": 1, "chat": 3, "email": 0}, {"voice": 1})


def test_callers_are_not_sent_to_a_queue_for_chats(tmp_path: Path) -> None:
    agents = FILES["agents.yaml"].replace("    team: first\n", "    capacity: {chat: 1}\n")
    flow = FILES["flows/main.yaml"].replace("queue: billing\n", "queue: chats\n")
    changes = {"queues.yaml": FILES["queues.yaml"] + CHATS, "agents.yaml": agents, "flows/main.yaml": flow}
    with pytest.raises(DocumentError) as caught:
        load_centre(write_centre(tmp_path, dict(changes)))
    (problem,) = [problem for problem in caught.value.problems if problem.severity == "error"]
    assert str(problem).endswith("nodes.to-billing.queue: the queue 'chats' takes chat contacts, not callers")
    assert problem.line == 19


def test_a_pause_may_come_only_after_failures_in_a_row(tmp_path: Path) -> None:
    text = "after_failure: {no_answer: {pause_after: 3}, busy: pause}\n" + FILES["agents.yaml"]
    after = load_centre(write_centre(tmp_path, {"agents.yaml": text})).policy.after_failure
    assert (after.no_answer, after.no_answer_limit) == ("no answer", 3)
    assert (after.busy, after.busy_limit, after.unreachable_limit, after.declined) == ("busy", 1, 1, None)


def test_a_wrong_channel_hides_no_other_mistake(tmp_path: Path) -> None:
    """The queue's own channel counts as known, and the wrong agent takes whatever there is."""
    queues = FILES["queues.yaml"] + CHATS.replace("[email], auto_accept: true", "[emial], auto_accept: 1")
    agents = FILES["agents.yaml"].replace("billing: 8", "billing: 12")
    with pytest.raises(DocumentError) as caught:
        load_centre(write_centre(tmp_path, {"queues.yaml": queues, "agents.yaml": agents}))
    assert [problem.path for problem in caught.value.problems] == [
        "agents.ana.skills.billing",
        "channels.chat.auto_accept",
    ]
