"""The rendered files: read with pyst2's parser, which knows nothing of our templates."""

import re
import stat
from dataclasses import replace
from pathlib import Path

import pytest
from asterisk.config import Config

from asterisk_conf import modules, names
from asterisk_conf.render import FILES, render, write
from asterisk_conf.site import AsteriskSite, Phone, Ports, Trunk
from documents import DocumentError

SITE = AsteriskSite(
    numbers=("5551000", "+34600100"),
    phones=(Phone("anna", contact="sip:anna@127.0.0.2:6001"), Phone("ben", secret="s3cret", caller_id="102")),
    trunks=(
        Trunk("carrier", ("192.0.2.1", "198.51.100.0/24")),
        Trunk("itsp", ("203.0.113.7",), server="sip:sip.example.net:5070", username="me", secret="pass=word"),
    ),
    ami_secret="ami-secret",
    agi_port=4573,
    languages=("es", "en"),
    fallback=("ben",),
    bench_number="999",
)

Sections = dict[str, list[tuple[str, str]]]


@pytest.fixture
def parsed(tmp_path: Path) -> dict[str, Sections]:
    write(render(SITE), tmp_path)
    return {name: sections(tmp_path / name) for name in FILES}


def sections(path: Path) -> Sections:
    """Sections by name, those of one name put together."""
    found: Sections = {}
    for category in Config(str(path)).categories:
        found.setdefault(category.name, []).extend((item.name, item.value.strip()) for item in category.items)
    return found


def values(section: list[tuple[str, str]], name: str) -> list[str]:
    return [value for key, value in section if key == name]


def shared_names() -> dict[str, str]:
    return {key: value for key, value in vars(names).items() if key.isupper() and isinstance(value, str)}


def test_the_dialplan_uses_only_names_that_the_code_knows(parsed: dict[str, Sections]) -> None:
    text = "\n".join(f"[{name}] {items}" for file in parsed.values() for name, items in file.items())
    used = set(re.findall(r"\bSB_\w+|\bsb-[\w-]+", text))
    assert used <= {*shared_names().values(), *names.TALK_CODES}
    assert used >= {"sb-in", "sb-call", "SB_DONE"}  # the search itself finds names


def test_every_shared_name_that_the_dialplan_owns_is_rendered(parsed: dict[str, Sections]) -> None:
    contexts = {value for key, value in shared_names().items() if key.startswith("CONTEXT_")}
    assert set(parsed["extensions.conf"]) == {"general", *contexts}

    dialplan = "\n".join(value for items in parsed["extensions.conf"].values() for _, value in items)
    variables = {value for key, value in shared_names().items() if key.startswith("VAR_")}
    only_the_engines = {
        names.VAR_OFFER,
        names.VAR_RECORDING_PAUSES,
        names.VAR_ANNOUNCED,
        names.VAR_FEATURES,
        names.VAR_CALLBACK,
        names.VAR_OUTSIDE,
        names.VAR_DIALLED,
    }
    assert set(re.findall(r"SB_\w+", dialplan)) == variables - only_the_engines
    routes = {value for key, value in shared_names().items() if key.startswith("ROUTE_")}
    assert set(re.findall(r"agi://127\.0\.0\.1:4573/(\w+)", dialplan)) == routes
    assert set(parsed["queues.conf"]) == {"general", names.FALLBACK_QUEUE, names.BENCH_QUEUE}
    assert set(parsed["manager.conf"]) == {"general", names.AMI_USER}
    assert set(parsed["musiconhold.conf"]) == {names.MUSIC_CLASS}


def test_trunks_reach_exactly_the_numbers_of_the_centre(parsed: dict[str, Sections]) -> None:
    extensions = {value.split(",")[0] for value in values(parsed["extensions.conf"][names.CONTEXT_IN], "exten")}
    assert extensions == {"5551000", "+34600100", "999"}


def test_agents_phones_reach_exactly_the_feature_codes(parsed: dict[str, Sections]) -> None:
    extensions = {value.split(",")[0] for value in values(parsed["extensions.conf"][names.CONTEXT_AGENT], "exten")}
    assert extensions == set(names.PHONE_CODES)
    assert values(parsed["pjsip.conf"]["anna"], "context") == [names.CONTEXT_AGENT]


@pytest.mark.parametrize(
    ("phone", "address"),
    [
        (Phone("a", contact="sip:a@127.0.0.2:6001"), "127.0.0.2"),
        (Phone("a", contact="sip:192.0.2.7;transport=tcp"), "192.0.2.7"),
        (Phone("a", contact="sip:a@[2001:db8::1]:5060"), "2001:db8::1"),
        (Phone("a", contact="sip:a@127.0.0.2:6001", secret="x"), None),
        (Phone("a", secret="x"), None),
    ],
)
def test_a_phone_without_a_secret_is_believed_only_at_its_address(phone: Phone, address: str | None) -> None:
    assert phone.trusted_address == address
    text = render(replace(SITE, phones=(phone,), fallback=()))["pjsip.conf"]
    assert (f"permit = {address}\n" in text) == (address is not None)


def test_no_extension_is_a_pattern(parsed: dict[str, Sections]) -> None:
    for items in parsed["extensions.conf"].values():
        assert not [value for value in values(items, "exten") if value.startswith("_")]


def test_the_engines_ami_user_has_the_least_rights(parsed: dict[str, Sections]) -> None:
    user = dict(parsed["manager.conf"][names.AMI_USER])
    assert set(user["read"].split(",")) == {"system", "call", "agent", "user"}
    assert set(user["write"].split(",")) == {"call", "originate", "reporting"}
    assert user["writetimeout"] == "5000"
    assert user["deny"] == "0.0.0.0/0.0.0.0"
    assert user["permit"] == "127.0.0.1/32"
    seen = re.compile(user["eventfilter"])
    assert seen.search("Event: Hangup\r\nPrivilege: call,all\r\n")
    assert seen.search("Event: HangupRequest\r\nPrivilege: call,all\r\n")
    assert not seen.search("Event: HangupHandlerRun\r\nPrivilege: dialplan,all\r\n")
    assert not seen.search("Event: Newchannel\r\nCallerIDName: Event: Hangup \r\n")


def test_a_registering_trunk_has_its_account_and_the_others_have_none(parsed: dict[str, Sections]) -> None:
    itsp, carrier = parsed["pjsip.conf"]["itsp"], parsed["pjsip.conf"]["carrier"]
    assert values(itsp, "type") == ["endpoint", "identify", "aor", "auth", "registration"]
    assert values(itsp, "client_uri") == ["sip:me@sip.example.net:5070"]
    assert values(itsp, "password") == ["pass=word"]
    assert values(carrier, "type") == ["endpoint", "identify"]
    assert values(carrier, "match") == ["192.0.2.1", "198.51.100.0/24"]


def test_modules_that_are_needed_are_required(parsed: dict[str, Sections]) -> None:
    section = parsed["modules.conf"]["modules"]
    assert values(section, "require") == [f"{name}.so" for name in modules.REQUIRED]
    assert values(section, "autoload") == ["no"]


def test_without_fallback_phones_there_is_no_queue_to_wait_in_vain() -> None:
    text = render(replace(SITE, fallback=(), bench_number=None))["extensions.conf"]
    assert "Queue(" not in text
    assert "(fallback)" in text


def test_only_the_owner_can_read_the_written_files(tmp_path: Path) -> None:
    write(render(SITE), tmp_path / "etc")
    modes = {stat.S_IMODE(path.stat().st_mode) for path in (tmp_path / "etc").iterdir()}
    assert modes == {0o600}


HOSTILE = ("a;b", "a\nb", "a]b", "[a", "${SHELL(id)}", "a,b", "a&b", 'a"b', "a\\b", "a b", "", "ä")


@pytest.mark.parametrize("text", HOSTILE)
def test_no_text_can_break_out_of_its_line(text: str) -> None:
    changes = {
        "numbers": (text,),
        "phones": (Phone(text, secret="x"),),
        "trunks": (Trunk("carrier", (text,)),),
        "ami_secret": text,
        "agi_host": text,
        "languages": (text,),
        "codecs": (text,),
        "music_class": text,
        "music_directory": text,
        "bench_number": text,
    }
    for field, value in changes.items():
        with pytest.raises(DocumentError):
            replace(SITE, fallback=(), **{field: value})
    for phone in (Phone("x", secret=text), Phone("x", contact=text), Phone("x", secret="x", caller_id=text)):
        with pytest.raises(DocumentError):
            replace(SITE, phones=(phone,), fallback=())
    for trunk in (Trunk("x", ("h",), server=text), Trunk("x", ("h",), username=text), Trunk("x", ("h",), secret=text)):
        with pytest.raises(DocumentError):
            replace(SITE, trunks=(trunk,))


def test_a_refused_secret_is_not_shown() -> None:
    with pytest.raises(DocumentError) as caught:
        replace(SITE, ami_secret="open;sesame")
    assert "ami_secret" in str(caught.value)
    assert "sesame" not in str(caught.value)


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"fallback": ("carl",)}, "no phone 'carl'"),
        ({"phones": (Phone("anna"),), "fallback": ()}, "neither a secret nor a contact"),
        ({"phones": (Phone("carrier", secret="x"),), "fallback": ()}, "'carrier' is there twice"),
        ({"phones": (Phone("anna", contact="sip:anna@desk.example"),), "fallback": ()}, "must be an IP address"),
        ({"bench_number": "5551000"}, "also a number of the centre"),
        ({"ports": Ports(sip=70_000)}, "70000 is no port"),
        ({"ports": Ports(rtp_first=10, rtp_last=11)}, "fewer than four ports"),
        ({"ami_permit": ("300.0.0.0/8",)}, "ami_permit"),
        ({"trunks": (Trunk("carrier", ()),)}, "matches no address"),
        (
            {"trunks": (Trunk("carrier", ("192.0.2.1",), username="me", secret="x"),)},
            "needs server, username and secret",
        ),
        ({"languages": ()}, "there is no language"),
    ],
)
def test_what_does_not_fit_together_is_said(changes: dict[str, object], said: str) -> None:
    with pytest.raises(DocumentError, match=re.escape(said)):
        replace(SITE, **changes)
