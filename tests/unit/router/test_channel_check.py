"""Every mistake in a policy's channels is found, at its place."""

import pytest

from router.core.policy import Agent, Channel, Policy
from router.core.policy_check import check_policy
from tests.support.routing import queue

VOICE, CHAT, EMAIL = Channel("voice"), Channel("chat"), Channel("email")
EVERYBODY = (Agent("anna", capacity={"voice": 1, "chat": 3, "email": 1}),)


def problems(*channels: Channel, channel: str = "voice", people: tuple[Agent, ...] = EVERYBODY) -> list[str]:
    policy = Policy(1, (queue(channel=channel),), people, channels=channels)
    return [f"{problem} [{problem.severity}]" for problem in check_policy(policy)]


def test_channels_that_go_together() -> None:
    voice = Channel("voice", interrupts=("email",))
    assert problems(voice, Channel("chat", beside=("email",), interrupts=()), EMAIL) == []


@pytest.mark.parametrize(
    ("channels", "expected"),
    [
        ((VOICE, CHAT, Channel("chat"), EMAIL), "channels.chat: the channel 'chat' is there 2 times"),
        (
            (VOICE, Channel("chat", beside=("emial",)), EMAIL),
            "channels.chat.beside: there is no channel 'emial'",
        ),
        ((VOICE, CHAT, Channel("email", interrupts=("fax",))), "channels.email.interrupts: there is no channel 'fax'"),
        ((VOICE, Channel("chat", beside=("chat",)), EMAIL), "channels.chat.beside: 'chat' stands in its own 'beside'"),
        (
            (VOICE, Channel("chat", interrupts=("chat",)), EMAIL),
            "channels.chat.interrupts: 'chat' stands in its own 'interrupts'",
        ),
        (
            (Channel("voice", interrupts=("email",)), CHAT, Channel("email", beside=("voice",))),
            "channels.voice.interrupts: 'email' cannot both rest for 'voice' and go on beside it",
        ),
        (
            (Channel("voice", interrupts=("chat",)), Channel("chat", interrupts=("voice",)), EMAIL),
            "channels.voice.interrupts: 'voice' and 'chat' interrupt each other",
        ),
    ],
)
def test_a_mistake_in_a_channel(channels: tuple[Channel, ...], expected: str) -> None:
    first = problems(*channels)[0]
    assert first.startswith(expected)
    assert first.endswith("[error]")


def test_calls_are_not_accepted_by_themselves() -> None:
    assert problems(Channel("voice", auto_accept=True), CHAT, EMAIL) == [
        "channels.voice.auto_accept: calls are accepted by picking up [warning]"
    ]


def test_unknown_channels_of_queues_and_agents() -> None:
    people = (Agent("anna", capacity={"voice": 1, "caht": 3}),)
    assert problems(VOICE, CHAT, channel="caht", people=people) == [
        "agents.anna.capacity.caht: there is no channel 'caht' (did you mean 'chat'?) [error]",
        "queues.billing.channel: there is no channel 'caht' (did you mean 'chat'?) [error]",
    ]


def test_a_queue_that_nobody_has_capacity_for_is_a_warning() -> None:
    people = (Agent("anna"), Agent("bob", capacity={"chat": 0}))
    assert problems(VOICE, CHAT, channel="chat", people=people) == [
        "queues.billing.channel: no agent takes chat contacts (give some agents a capacity: {chat: 1}) [warning]"
    ]
