"""Whatever the text: `read` and `Expression` either take it or say what is wrong with it, in their own error types."""

import json

from hypothesis import given, settings
from hypothesis import strategies as st

from documents import DocumentError, Expression, ExpressionError, read

YAML_LIKE = st.text(alphabet="ab:-?&*!%@`'\"|>#{}[],\n\t 019.~=<\\\0\x1b\x85\ufeff\ud800é", max_size=60)
CEL_LIKE = st.text(alphabet="ab.()[]{}'\"\\rb+-*/%<>=!&|?:, \n0129@`x", max_size=40)
# Line separators apart, which YAML folds, and what YAML does not allow in text.
TEXT = st.text(
    st.characters(exclude_categories=("Cs", "Cc", "Zl", "Zp"), exclude_characters="\ufffe\uffff"), max_size=20
)
PLAIN = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | TEXT,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(TEXT, inner, max_size=4),
    max_leaves=12,
)


@settings(max_examples=400, deadline=None)
@given(YAML_LIKE | st.text(max_size=60))
def test_any_text_is_read_or_refused(text: str) -> None:
    try:
        source = read(text, "f.yaml")
    except DocumentError as error:
        problems = error.problems
    else:
        problems = ()
        assert all(1 <= line <= len(text.splitlines()) + 1 for line in source.lines.values())
    assert all(problem.file == "f.yaml" and problem.message for problem in problems)


@settings(max_examples=200, deadline=None)
@given(PLAIN)
def test_json_is_read_as_what_it_is(value: object) -> None:
    text = json.dumps(value, ensure_ascii=False)
    assert read(text).data == value


@settings(max_examples=400, deadline=None)
@given(CEL_LIKE)
def test_any_expression_is_compiled_or_refused_and_always_has_an_answer(text: str) -> None:
    try:
        expression = Expression(text)
    except ExpressionError as error:
        said = str(error)
    else:
        said = ""
        assert expression.holds({"a": {"b": 1}, "b": "x"}) in (True, False)
    assert "\n" not in said
