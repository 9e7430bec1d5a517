import pytest

from documents import Expression, ExpressionError


@pytest.mark.parametrize(
    ("text", "names", "fields"),
    [
        ("contact.tier == 'gold'", {"contact"}, {"tier"}),
        ("contact.a == 1 || contact . b == 2", {"contact"}, {"a", "b"}),
        ("contact == other", {"contact", "other"}, None),
        ("contact['tier'] == 'gold'", {"contact"}, None),
        ("agent.skills[contact.language] >= 3", {"agent", "contact"}, {"language"}),
        ("has(contact.tier)", {"contact"}, {"tier"}),
        ("agent.team == 'contact.x'", {"agent"}, set()),
        ('agent.team == "it\'s contact.x"', {"agent"}, set()),
        ("// it's\n contact.a == 1", {"contact"}, {"a"}),
        ("'''it's''' == contact.b", {"contact"}, {"b"}),
        ("r'\\' == contact.c", {"contact"}, {"c"}),
        ("[1, 2].exists(x, x == contact.n)", {"contact"}, {"n"}),
        ("subcontact.x == contact.y", {"subcontact", "contact"}, {"y"}),
        ("agent.contact.x == 1", {"agent"}, set()),
    ],
)
def test_what_an_expression_looks_at(text: str, names: set[str], fields: set[str] | None) -> None:
    expression = Expression(text)
    assert expression.names == names
    assert expression.fields("contact") == fields


@pytest.mark.parametrize(
    ("text", "holds"),
    [
        ("contact.tier == 'gold'", True),
        ("contact.missing == 1", False),
        ("!(contact.missing == 1)", False),
        ("contact.missing == 1 || contact.tier == 'gold'", True),
        ("missing.x == 1", False),
        ("contact.tier", False),
        ("contact.tier > 3", False),
        ("1 / 0 == 1", False),
        ("contact.n > 9223372036854775807", False),
        ("contact.tier.startsWith('g') && contact.tier.matches('^g.*d$') && size(contact.tier) == 4", True),
    ],
)
def test_what_is_missing_or_of_the_wrong_type_counts_as_false(text: str, holds: bool) -> None:
    assert Expression(text).holds({"contact": {"tier": "gold", "n": 5}}) is holds


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "at character 1: it breaks off"),
        ("a &&", "it breaks off"),
        ("a\n&& (b", "of line 2: missing ')'"),
        ("a == @", "token recognition error"),
        ("upper(a) == 'X'", "there is no function 'upper'"),
        ("a.startswith('x')", "did you mean 'startsWith'?"),
        ("__import__('os')", "there is no function"),
        ("x" * 2_001, "may have 2000 characters"),
        ("(" * 500 + "1" + ")" * 500, "at character"),
    ],
)
def test_what_is_no_expression_says_why(text: str, message: str) -> None:
    with pytest.raises(ExpressionError, match=r".") as caught:
        Expression(text)
    assert message in str(caught.value)
    assert "\n" not in str(caught.value)


def test_values_and_why_there_is_none() -> None:
    assert Expression("contact.n + 1").value({"contact": {"n": 2}}) == 3
    with pytest.raises(ExpressionError, match="'n' is missing"):
        Expression("contact.n + 1").value({"contact": {}})


def test_expressions_are_equal_by_their_text() -> None:
    assert Expression("a.b") == Expression("a.b") != Expression("a.c")
    assert len({Expression("a.b"), Expression("a.b")}) == 1
