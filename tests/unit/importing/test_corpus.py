"""A corpus of sources as people and FreePBX write them: every line counts or is named, whatever is done to them.

What a line does is found by leaving it out: the flows then change, the rest cannot be read any more, or something named
the line before. What is left are lines of which callers notice nothing; each of them has its reason here.
"""

import re
from functools import cache
from pathlib import Path
from random import Random
from typing import Any

import pytest

from documents import DocumentError, Problem
from ivr.importing.draft import Draft
from ivr.importing.format import SourceFile, Wanted
from ivr.importing.registry import format_of
from switchboard.importing import write_centre
from tests.support.importing import MONDAY_NOON, call

CORPUS = Path(__file__).with_name("corpus")
FILES = sorted(path.name for path in CORPUS.iterdir())
FORMATS = {
    "clinic.conf": "asterisk",
    "extensions_additional.conf": "asterisk",
    "freepbx.sql": "freepbx",
    "pharmacy.vxml": "voicexml",
}
NOTICED_BY_NOBODY = {
    r"\s*(;|--|/\*|$)": "a comment",
    r"static=yes": "about the file",
    r"<\?xml|\s*<meta ": "about the file",
    r"(DROP|LOCK|UNLOCK) TABLES?\b|\s*PRIMARY KEY|\) ENGINE=": "about the table",
    r".*,\s*(Hangup|Answer|Wait|NoOp)\b": "a flow answers, and hangs up where nothing follows",
    r".*Goto\(app-blackhole,hangup,1\)": "a flow hangs up where nothing follows",
    r"\s*<block><disconnect/></block>": "a flow hangs up where nothing follows",
    r'.*GotoIf\(\$\["\$\{CHANNEL\(state\)\}" = "Up"\]\?begin\)': "jumps over Answer and Wait only",
    r"exten => return,1,Set\(_IVR_CONTEXT=\$\{CONTEXT\}\)": "at which nothing looks that is imported",
    r"\[(ext-group|ext-local|app-blackhole)\]": "FreePBX's contexts are known by their names, with or without it",
}
UNREACHED = re.compile(r"no caller gets here|known by its name")


def drafted(name: str, content: bytes) -> Draft:
    file = SourceFile(name, content)
    return format_of([file]).read([file], Wanted())


@cache
def original(name: str) -> Draft:
    return drafted(name, (CORPUS / name).read_bytes())


def made(draft: Draft) -> tuple[Any, ...]:
    flows = {name: flow.document() for name, flow in draft.flows.items()}
    return flows, draft.prompts, draft.queues, draft.hours, draft.numbers, draft.languages


def named_lines(name: str, lines: list[str]) -> set[int]:
    """The lines that a finding names: its own, and where nobody comes to an extension or a context the rest of it."""
    found = set()
    for finding in original(name).findings:
        if finding.file != name:
            continue
        found.add(finding.line)
        if not UNREACHED.search(finding.why):
            continue
        whole = lines[finding.line - 1].startswith("[")
        for number in range(finding.line + 1, len(lines) + 1):
            extension = re.match(r"exten => ([^,]+),", lines[finding.line - 1])
            if lines[number - 1].startswith("[") or not (
                whole or (extension and lines[number - 1].startswith((f"exten => {extension[1]},", " same")))
            ):
                break
            found.add(number)
    return found


def test_every_file_of_the_corpus_is_tried() -> None:
    assert list(FORMATS) == FILES
    assert {format_of([SourceFile(name, (CORPUS / name).read_bytes())]).name for name in FILES} == {*FORMATS.values()}


@pytest.mark.parametrize("name", FILES)
def test_every_line_counts_or_is_named(name: str) -> None:
    lines = (CORPUS / name).read_text().splitlines()
    named, dropped, counts = named_lines(name, lines), [], 0
    for number, line in enumerate(lines, 1):
        if number in named or any(re.match(pattern, line) for pattern in NOTICED_BY_NOBODY):
            continue
        without = "\n".join([*lines[: number - 1], "", *lines[number:], ""])
        try:
            same = made(drafted(name, without.encode())) == made(original(name))
        except DocumentError:
            same = False
        counts += not same
        if same:
            dropped.append(f"{name}:{number}: {line}")
    assert dropped == []
    assert counts > 10


@pytest.mark.parametrize("name", FILES)
def test_what_is_said_of_the_corpus(name: str) -> None:
    """Each finding says where, what stands there and why; and what stands there is there."""
    lines = (CORPUS / name).read_text().splitlines()
    for finding in original(name).findings:
        assert finding.file == name or finding.file in ("centre.yaml", "prompts.yaml", "queues.yaml"), finding
        assert finding.why
        if finding.file == name:
            assert 1 <= finding.line <= len(lines), finding
            words = re.findall(r"[\w*-]{2,}", finding.text)
            assert any(word in lines[finding.line - 1] for word in words) or finding.kind == "to do", finding


def test_callers_of_the_corpus_come_where_they_came(tmp_path: Path) -> None:
    centres = {name: write_centre(original(name), tmp_path / name, name="Corpus", time_zone="UTC") for name in FILES}
    clinic = centres["clinic.conf"]
    assert call(clinic, "1").end == "queue appointments"
    assert call(clinic, "1", "<timeout>").heard[-3:] == ["clinic/busy", "clinic/welcome", "clinic/menu"]
    assert call(clinic, "2", "24121980").end == "queue results"
    assert call(clinic, "9").end == "dials +15551239999"
    assert call(clinic, now_ms=MONDAY_NOON + 8 * 3_600_000).end == "mailbox 100"
    written = centres["extensions_additional.conf"]
    assert call(written).heard == ["custom/main-menu"]
    assert call(written, "1").end == "queue queue-600"
    assert call(written, "1", "<timeout>").end == "mailbox 101"  # where FreePBX leads whom nobody answers
    assert written.policy.queues[0].last_action.target == "timeout"
    assert call(written, "2", "0").heard[-1] == "custom/main-menu"
    assert call(written, "7", "7", "7").end == "queue queue-600"
    assert call(written, now_ms=MONDAY_NOON + 8 * 3_600_000).heard == ["custom/closed"]
    dump = centres["freepbx.sql"]
    assert call(dump, "1", "<timeout>", number="5552000").end == "mailbox 101"
    assert call(dump, "2", "1", number="5552000").end == "queue Sales"
    assert call(dump, "4", "<timeout>", number="5552000").end == "hangs up busy"
    pharmacy = centres["pharmacy.vxml"]
    assert call(pharmacy, "3").end == "dials +15551230000"
    assert call(pharmacy, "1", "1234567", "1").end == "mailbox recordings"
    assert call(pharmacy, "9", "9").end == "dials +15551230000"


PIECES = [b"", b"(", b")", b'"', b"'", b"[", b"]", b"${", b"$[", b"<", b">", b"/>", b",", b";", b"=>", b"&", b"%"]
PIECES += [b"\xc3", b"\0", b"9" * 40, b"\n"]


def mutated(name: str, random: Random) -> bytes:
    """Lines lost, doubled, moved and mixed with those of other files; characters lost and put in; the end cut off."""
    lines = (CORPUS / name).read_bytes().split(b"\n")
    for _ in range(random.randrange(4)):
        where, way = random.randrange(len(lines)), random.randrange(5)
        if way == 0:
            del lines[where]
        elif way == 1:
            lines.insert(where, lines[random.randrange(len(lines))])
        elif way == 2:
            lines[where] = lines[random.randrange(len(lines))]
        elif way == 3:
            lines.insert(where, random.choice((CORPUS / random.choice(FILES)).read_bytes().split(b"\n")))
        else:
            words = lines[where].split(b",")
            random.shuffle(words)
            lines[where] = b",".join(words)
        lines = lines or [b""]
    content = bytearray(b"\n".join(lines))
    for _ in range(random.randrange(4)):
        place = random.randrange(len(content) + 1)
        content[place : place + random.randrange(4)] = random.choice(PIECES)
    return bytes(content[: random.randrange(len(content) + 1)] if random.random() < 0.2 else content)


@pytest.mark.parametrize("name", FILES)
def test_whatever_is_done_to_a_source_it_becomes_a_centre_or_is_refused_with_its_place(
    name: str, tmp_path: Path
) -> None:
    random = Random(f"corpus {name}")
    becomes = refused = 0
    for number in range(80):
        content = mutated(name, random)
        lines = content.count(b"\n") + content.count(b"\r") + 1
        draft, problems = _read(name, content)
        if draft is None:
            refused += 1
            assert problems
            for problem in problems:
                assert problem.file == name
                assert problem.message
                assert problem.line is None or 1 <= problem.line <= lines
            continue
        becomes += 1
        for finding in draft.findings:
            assert finding.file
            assert finding.why
            assert finding.line <= lines or finding.file != name
        if draft.flows and number % 3 == 0:
            write_centre(draft, tmp_path / str(number), name="Mutated", time_zone="UTC")
    assert min(becomes, refused) > 5, (becomes, refused)


def _read(name: str, content: bytes) -> tuple[Draft | None, tuple[Problem, ...]]:
    try:
        return drafted(name, content), ()
    except DocumentError as error:
        return None, tuple(error.problems)
