"""The stated form of a snapshot, and the classes at work, have the same fields."""

import inspect

import msgspec
import pytest

from router.core.entities import Agent, Contact, LiveOffer
from router.core.snapshot import SavedAgent, SavedContact, SavedOffer

THINGS: list[tuple[object, type[msgspec.Struct]]] = [
    (Contact("c1", 1, "help", "voice", 1, {}, None, None, 0, 0, 0, 0), SavedContact),
    (Agent("anna"), SavedAgent),
    (LiveOffer("o1", 1, "c1", "anna", 1, 0, 20_000), SavedOffer),
]

DERIVED = {"rules", "line", "post"}


@pytest.mark.parametrize(("thing", "form"), THINGS)
def test_nothing_that_a_thing_has_is_missing_from_the_snapshot(thing: object, form: type[msgspec.Struct]) -> None:
    stated = set(inspect.get_annotations(type(thing))) - DERIVED
    assert stated | set(vars(thing)) == set(form.__struct_fields__)
    assert {name: getattr(thing, name) for name in stated} == {
        field.name: field.default for field in msgspec.structs.fields(form) if field.name in stated
    }
