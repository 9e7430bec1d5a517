"""What is looked up without the CEL program has the value that the program gives it."""

from typing import Any

import cel
from hypothesis import given, settings
from hypothesis import strategies as st

from documents import Expression, ExpressionError

NAMES = st.sampled_from(["a", "b", "c1", "_d", "in", "true", "null", "size"])
TEXT = st.one_of(st.sampled_from(["", "gold", "a b", "1", "true", "ü✓", "x" * 300]), st.text(max_size=5))
LEAVES = st.one_of(
    st.none(), st.booleans(), TEXT, st.integers(-(2**70), 2**70), st.integers(-5, 5), st.floats(), st.binary(max_size=3)
)
DATA = st.recursive(
    LEAVES,
    lambda inner: st.one_of(st.lists(inner, max_size=2), st.dictionaries(NAMES, inner, max_size=3)),
    max_leaves=6,
)


@st.composite
def texts(draw: st.DrawFn) -> str:
    path = ".".join(draw(st.lists(NAMES, min_size=1, max_size=3)))
    literals = ["", "'gold'", '"gold"', "''", "'a b'", "'it\\'s'", "1", "-3", "2.5", "true", "'ü'"]
    operator, literal = draw(st.sampled_from(["==", "!=", "<", "<=", ">", ">="])), draw(st.sampled_from(literals))
    forms = [f"v.{path}", f" v.{path} ", f"v.{path} {operator} {literal}", f"v.{path}{operator}{literal}"]
    return draw(st.sampled_from(forms))


def same(one: Any, other: Any) -> bool:
    return type(one) is type(other) and (one == other or (one != one and other != other))


@settings(max_examples=600, deadline=None)
@given(texts(), DATA)
def test_the_value_is_that_of_the_program(text: str, data: Any) -> None:
    try:
        expression = Expression(text)
    except ExpressionError:
        return
    variables = {"v": data}
    try:
        expected: Any = cel.compile(text).execute(variables)
    except Exception:
        # Where the program fails, so does the expression (or it has a value that only other data kept it from).
        assert expression._path or not expression.holds(variables)
        return
    assert same(expression.value(variables), expected)
    assert expression.holds(variables) is (expected is True)


def test_most_expressions_of_flows_are_plain() -> None:
    paths = ["contact.number", "data.customer.tier", " a.b "]
    comparisons = ["contact.tier == 'gold'", 'contact.tier!="gold"', "contact.points >= 1000", "a.b < -1.5"]
    others = [
        "contact",
        "1",
        "'x'",
        "a.b + 1",
        "a.b == c.d",
        "a['b']",
        "a.b.size()",
        "a.b == 'it\\'s'",
        "has(a.b)",
        "!a.b",
    ]
    assert all(Expression(text)._path for text in (*paths, *comparisons))
    assert not any(Expression(text)._path for text in (*others, "a.b == true", "a.b == 1e3", "a.b == 1u"))
