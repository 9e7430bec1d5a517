import pytest

from documents import DocumentError, Problem, read
from documents.source import MAX_CHARACTERS, MAX_DEPTH, dotted


def problem_of(text: str) -> Problem:
    with pytest.raises(DocumentError) as caught:
        read(text, "f.yaml")
    (problem,) = caught.value.problems
    return problem


def test_every_value_has_its_line() -> None:
    source = read("queues:\n  billing:\n    steps:\n      - name: a\n      - name: b\n", "queues.yaml")
    assert source.line(("queues", "billing", "steps", 1, "name")) == 5
    assert source.line(("queues", "billing", "steps", 1)) == 5
    assert source.line(("queues", "billing")) == 2


def test_what_is_missing_has_the_line_of_what_encloses_it() -> None:
    source = read("a:\n  b:\n    c: 1\n")
    assert source.line(("a", "b", "missing", 3)) == 2
    assert (
        str(source.problem(("a", "b", "missing"), "is missing", "add it")) == "line:2: a.b.missing: is missing (add it)"
    )


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("yes", "yes"),
        ("on", "on"),
        ("true", True),
        ("08:30", "08:30"),
        ("010", "010"),
        ("0x10", "0x10"),
        ("1_000", "1_000"),
        ("2026-01-01", "2026-01-01"),
        (".inf", ".inf"),
        (".nan", ".nan"),
        ("+5", 5),
        ("-0", 0),
        ("1.5", 1.5),
        ("1e3", 1000.0),
        ("~", None),
        ("", None),
        ("<<", "<<"),
        ("'1'", "1"),
    ],
)
def test_scalars_are_what_people_mean(text: str, value: object) -> None:
    read_value = read(f"a: {text}").data["a"]
    assert read_value == value
    assert type(read_value) is type(value)


def test_numbers_as_keys_become_text() -> None:
    assert read("1: a\ntrue: b\n~: c").data == {"1": "a", "true": "b", "~": "c"}


def test_an_empty_document_is_nothing() -> None:
    assert read("").data is None
    assert read("# only a comment\n").data is None


def test_a_byte_order_mark_is_passed_over() -> None:
    assert read("\ufeffa: 1").data == {"a": 1}


@pytest.mark.parametrize(
    ("text", "line", "message"),
    [
        ("a: &x 1\n", 1, "anchors and aliases (& and *) are not allowed"),
        ("b: 1\na: *x\n", 2, "anchors and aliases (& and *) are not allowed"),
        ("a: !!python/object/apply:os.system [x]", 1, "the tag 'tag:yaml.org,2002:python/object/apply:os.system'"),
        ("a: !thing x", 1, "the tag '!thing'"),
        ("a: !!int '3'", 1, "the tag 'tag:yaml.org,2002:int'"),
        ("a: !!strange x", 1, "the tag 'tag:yaml.org,2002:strange'"),
        ("%TAG ! tag:x,2000:\n---\na: !y 1", 3, "the tag 'tag:x,2000:y'"),
        ("a: 1\nb: 2\na: 3\n", 3, "'a' stands here twice"),
        ("x:\n  ? [a]\n  : 1", 2, "a key must be text"),
        ("a: 1\n---\nb: 2\n", 2, "a file holds one document"),
        ("a: 'x", 1, "not valid YAML"),
        ("a:\n\t- b", 2, "not valid YAML"),
        ("a: 1\nb: \x00", 2, "the character U+0000 is not allowed"),
        ("a: \x1b[31m", 1, "the character U+001B is not allowed"),
        ("a: \ud800", 1, "the character U+D800 is not allowed"),
        ("a:\n  - " + "9" * 5000, 2, "this number is too large"),
        ("a: 1e999", 1, "this number is too large"),
        ("[" * (MAX_DEPTH + 1), 1, "nested deeper"),
        ("a: " + "x" * MAX_CHARACTERS, None, "longer than"),
    ],
)
def test_what_is_refused_and_where(text: str, line: int | None, message: str) -> None:
    problem = problem_of(text)
    assert (problem.file, problem.line) == ("f.yaml", line)
    assert message in problem.message


@pytest.mark.parametrize(
    ("text", "hint"),
    [
        ("a:\n\t- b", "indent with spaces, not with tabs"),
        ("a: b: c", "put text that contains ': ' into quotes"),
        ("a: @x", "put text that begins with '@' into quotes"),
        ("a: 1\n---\n", "remove '---'"),
        ("a: 1\na: 2", "first at line 1"),
    ],
)
def test_common_slips_get_a_hint(text: str, hint: str) -> None:
    assert problem_of(text).hint == hint


def test_an_alias_bomb_is_refused_before_it_grows() -> None:
    bomb = "a: &a [x, x]\n" + "".join(f"{b}: &{b} [*{a}, *{a}]\n" for a, b in zip("abcdefgh", "bcdefghi", strict=True))
    assert "anchors and aliases" in problem_of(bomb).message


def test_all_duplicate_keys_are_reported_at_once() -> None:
    with pytest.raises(DocumentError) as caught:
        read("a: 1\na: 2\nb:\n  c: 1\n  c: 2\n")
    assert [(problem.line, problem.path) for problem in caught.value.problems] == [(2, ""), (5, "b")]


def test_paths_are_written_as_people_write_them_and_never_raw() -> None:
    assert dotted(("queues", "billing", "steps", 1, "where")) == "queues.billing.steps[1].where"
    assert dotted(("numbers", "+49 30")) == "numbers.+49 30"
    assert dotted(("a", "b.c\n\x1b")) == "a['b.c\\n\\x1b']"
