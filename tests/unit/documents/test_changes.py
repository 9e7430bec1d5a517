from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from documents import ABSENT, differences

DATA = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=3),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=2), inner, max_size=3),
    max_leaves=10,
)


@pytest.mark.parametrize(
    ("before", "after", "found"),
    [
        ({"a": 1}, {"a": 1}, []),
        ({"a": 1}, {"a": 2}, [(("a",), 1, 2)]),
        ({"a": 1}, {"b": 1}, [(("a",), 1, ABSENT), (("b",), ABSENT, 1)]),
        ({"a": [1, {"b": 2}]}, {"a": [1, {"b": 3}]}, [(("a", 1, "b"), 2, 3)]),
        ([1, 2], [1], [((), [1, 2], [1])]),
        ({"a": True}, {"a": 1}, [(("a",), True, 1)]),
        ({"a": None}, {}, [(("a",), None, ABSENT)]),
    ],
)
def test_the_innermost_places_that_differ(before: Any, after: Any, found: list[Any]) -> None:
    assert [(one.path, one.before, one.after) for one in differences(before, after)] == found


@given(DATA, DATA)
def test_whoever_applies_all_differences_to_the_one_has_the_other(before: Any, after: Any) -> None:
    result = {"top": before}
    for one in differences(before, after):
        place: Any = result
        *way, last = ("top", *one.path)
        for key in way:
            place = place[key]
        if one.after is ABSENT:
            del place[last]
        else:
            place[last] = one.after
    assert result == {"top": after}
    assert not [*differences(result["top"], after)]
