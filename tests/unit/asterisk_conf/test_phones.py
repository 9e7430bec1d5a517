"""What can be told of the SIP phones without calling: their plans and scenarios."""

import socket
import subprocess
import sys
import xml.etree.ElementTree as ElementTree
from pathlib import Path

import pytest

from asterisk_conf import phones
from asterisk_conf.phones import Callers, Keys, PlannedCall
from asterisk_conf.ports import free_udp_ports, reserved_ports


@pytest.mark.parametrize(
    ("template", "context"),
    [
        ("caller.xml.j2", {"rounds": 2, "tone_ms": 80, "dtmf_payload": 96}),
        ("phone.xml.j2", {"rounds": 2, "tone_ms": 80, "dtmf_payload": 96, "refusals": ((486, "Busy Here"),)}),
    ],
)
def test_every_jump_of_a_scenario_has_its_label(template: str, context: dict[str, object]) -> None:
    scenario = phones._ENVIRONMENT.get_template(template).render(tick_ms=100, **context)
    tree = ElementTree.fromstring(scenario)
    jumps = {element.get(name) for element in tree.iter() for name in ("next", "ontimeout") if element.get(name)}
    labels = [element.get("id") for element in tree.iter("label")]
    assert jumps <= set(labels)
    assert len(labels) == len(set(labels))


def rows(*calls: PlannedCall) -> list[str]:
    rounds = max(len(call.keys) for call in calls)
    return [Callers._row(call, rounds) for call in calls]


def test_calls_with_fewer_keys_are_filled_up_with_none() -> None:
    some = PlannedCall("5551000", keys=(Keys(1.0, "1"), Keys(3.0, "42#")), hang_up_after_s=9)
    none = PlannedCall("5551000", caller="600", start_s=2.5)
    assert rows(some, none) == [
        "600100200;5551000;0;9000;3;440;1;2440;42#",
        "600;5551000;2500;-1;0;-1;0;-1;0",
    ]


def test_keys_that_sipp_could_not_press_in_time_are_refused() -> None:
    with pytest.raises(ValueError, match=r"'2' at 1\.2 s come too soon"):
        rows(PlannedCall("5551000", keys=(Keys(1.0, "1"), Keys(1.2, "2"))))


@pytest.mark.parametrize("number", ["55;51", "55\n51", "[field0]", ""])
def test_a_number_that_would_change_the_injection_file_is_refused(number: str) -> None:
    with pytest.raises(ValueError, match="SIPp cannot send"):
        rows(PlannedCall(number))


def test_expected_timeouts_are_not_told_as_faults(tmp_path: Path) -> None:
    caller = Callers(tmp_path, [PlannedCall("1")], ("127.0.0.1", 5060))
    timeout = "2026-11-21\t21:52:35.02\t1795297955.02: Call-Id: 1-19@127.0.0.1, receive timeout on message caller:21, "
    fault = "2026-11-21\t21:52:36.01\t1795297956.01: Aborting call on unexpected message"
    (tmp_path / "callers.errors").write_text(f"{timeout}jumping to label 22{timeout}jumping to label 7{fault}\n")
    assert caller.problem() == f"{tmp_path / 'callers.errors'}:\n  {fault}"


def test_two_reservations_of_ports_do_not_overlap() -> None:
    with reserved_ports() as first, reserved_ports() as second:
        assert first.rtp_last < second.sip or second.rtp_last < first.sip


def test_ports_reserved_here_are_not_given_to_another_process() -> None:
    code = "from asterisk_conf.ports import reserved_ports\nwith reserved_ports() as ports: print(ports.sip)"
    with reserved_ports() as ours:
        theirs = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout
    assert int(theirs) != ours.sip


def test_ports_of_phones_are_given_once_before_they_come_round_again() -> None:
    given = [port for _ in range(50) for port in free_udp_ports("127.0.0.2", 4)]
    assert len(set(given)) == len(given) == 200


def test_a_port_of_phones_that_is_bound_is_passed_over_whatever_address_it_is_bound_on() -> None:
    turn = [port for _ in range(80) for port in free_udp_ports("127.0.0.2", 4)]
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as wildcard:
        wildcard.bind(("0.0.0.0", turn[-50]))
        again = [port for _ in range(80) for port in free_udp_ports("127.0.0.2", 4)]
    assert turn[-50] not in again
    assert set(turn[-30:]) <= set(again)


def test_phones_of_two_processes_have_ports_of_their_own() -> None:
    code = "from asterisk_conf.ports import free_udp_ports\nfor _ in range(75): print(*free_udp_ports('127.0.0.2', 4))"
    theirs = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout
    ours = {port for _ in range(75) for port in free_udp_ports("127.0.0.2", 4)}
    assert not ours.intersection(map(int, theirs.split()))
