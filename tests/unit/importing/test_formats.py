"""Every format: recognised, imported, and never worse than a clear refusal."""

import re
from pathlib import Path
from random import Random
from textwrap import dedent

import pytest

from documents import DocumentError
from ivr.importing.draft import Draft
from ivr.importing.format import Format, SourceFile, Wanted
from ivr.importing.registry import format_of, import_formats
from switchboard.importing import report, write_centre

FORMATS = import_formats()
DOCUMENTED = (Path(__file__).parents[3] / "docs/importing.md").read_text()


def example(kind: Format) -> SourceFile:
    return SourceFile(kind.example_file, dedent(kind.example).strip().encode())


@pytest.mark.parametrize("kind", FORMATS.values(), ids=FORMATS)
def test_a_format_is_documented_and_its_example_becomes_a_centre(kind: Format, tmp_path: Path) -> None:
    assert kind.__doc__
    assert kind.title
    assert f"`{kind.name}`" in DOCUMENTED
    assert format_of([example(kind)]) is kind
    draft = kind.read([example(kind)], Wanted())
    centre = write_centre(draft, tmp_path / "made", name="Example", time_zone="UTC")
    assert not [p for p in centre.warnings if "no caller gets here" in p.message]
    assert draft.steps["carried over"] > 2
    assert not list(draft.of("left out"))
    for finding in draft.findings:
        assert finding.file
        assert finding.why
        assert finding.text.replace("`", "'") in report(draft)


@pytest.mark.parametrize("kind", FORMATS.values(), ids=FORMATS)
def test_a_spoilt_source_is_refused_clearly_or_becomes_a_centre(kind: Format, tmp_path: Path) -> None:
    """Cut off anywhere, with characters swapped, doubled and lost."""
    whole, random = example(kind).content, Random(7)
    made = refused = 0
    for round_ in range(60):
        cut = bytearray(whole[: random.randrange(len(whole))] if round_ % 2 else whole)
        for _ in range(random.randrange(4)):
            if cut:
                place = random.randrange(len(cut))
                cut[place : place + random.randrange(3)] = random.choice(
                    [b"", b"(", b'"', b"'", b"[", b"${", b"<", b"\xc3", b"9" * 30]
                )
        draft = _read(kind, bytes(cut))
        if draft is None:
            refused += 1
            continue
        if draft.flows:
            write_centre(draft, tmp_path / str(round_), name="Spoilt", time_zone="UTC")
            made += 1
    print(f"{kind.name}: {made} made, {refused} refused")
    assert made > 5
    assert refused > 5


def _read(kind: Format, content: bytes) -> Draft | None:
    """None: it was refused, and said where and why."""
    try:
        return kind.read([SourceFile(kind.example_file, content)], Wanted())
    except DocumentError as error:
        problems = error.problems
    assert problems
    assert all(problem.file and problem.message for problem in problems)
    return None


def test_files_of_no_format_and_of_two_formats_are_refused() -> None:
    with pytest.raises(DocumentError, match="no known format"):
        format_of([SourceFile("letter.txt", b"Dear customer")])
    with pytest.raises(DocumentError, match="import them one after the other"):
        format_of([example(kind) for kind in FORMATS.values()])


def test_reports_do_not_take_markup_from_sources() -> None:
    kind = FORMATS["asterisk"]
    text = "[x]\nexten => s,1,Background(a)\nexten => 1,1,Evil(`<script>` [a](javascript:b))\n"
    draft = kind.read([SourceFile("<b>.conf", text.encode())], Wanted())
    told = report(draft)
    assert re.search(r"(?<!\\)<b>", told) is None
    assert "`exten => 1,1,Evil('<script>' [a](javascript:b))`" in told
