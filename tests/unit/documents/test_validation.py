from typing import Annotated, Literal

import pytest
from pydantic import BaseModel, ConfigDict, Field

from documents import DocumentError, read, validate


class Strict(BaseModel):
    model_config = ConfigDict(extra="forbid", strict=True)


class Play(Strict):
    type: Literal["play"]
    prompt: str


class Ask(Strict):
    type: Literal["ask"]
    max_digits: int


class Step(Strict):
    name: str
    skills: dict[str, Annotated[int, Field(ge=1, le=10)]] = {}


class Queue(Strict):
    steps: Annotated[list[Step], Field(min_length=1)]
    ring_s: float = 20
    spare: Step | None = None
    ranking: list[str | dict[str, int]] = []


class Centre(Strict):
    queues: dict[Annotated[str, Field(pattern="^[a-z]+$")], Queue] = {}
    nodes: dict[str, Annotated[Play | Ask, Field(discriminator="type")]] = {}


def problems(text: str) -> list[str]:
    with pytest.raises(DocumentError) as caught:
        validate(read(text, "f.yaml"), Centre)
    return [str(problem) for problem in caught.value.problems]


def queue(rest: str) -> list[str]:
    return problems(f"queues:\n  billing:\n    {rest}")


@pytest.mark.parametrize(
    ("rest", "problem"),
    [
        ("stepps: []", "f.yaml:3: queues.billing.stepps: 'stepps' is not known here (did you mean 'steps'?)"),
        (
            "ring_s: '20'",
            "f.yaml:3: queues.billing.ring_s: a number belongs here, not '20' (write it without quotes: 20)",
        ),
        ("steps: 5", "f.yaml:3: queues.billing.steps: a list (`- item` lines) belongs here, not 5"),
        ("steps: [5]", "f.yaml:3: queues.billing.steps[0]: a mapping (`key: value` lines) belongs here, not 5"),
        ("steps: [{}]", "f.yaml:3: queues.billing.steps[0].name: 'name' is missing"),
        (
            "steps: [{name: 5}]",
            "f.yaml:3: queues.billing.steps[0].name: text belongs here, not 5 (put it into quotes: '5')",
        ),
        (
            "steps: [{nam: x}]",
            "f.yaml:3: queues.billing.steps[0].nam: 'nam' is not known here (did you mean 'name'?)",
        ),
        (
            "spare: {name: x, skill: {}}",
            "f.yaml:3: queues.billing.spare.skill: 'skill' is not known here (did you mean 'skills'?)",
        ),
        (
            "steps: [{name: x, skills: {en: 12}}]",
            "f.yaml:3: queues.billing.steps[0].skills.en: should be less than or equal to 10; it is 12",
        ),
    ],
)
def test_a_problem_names_its_place_its_value_and_what_would_be_right(rest: str, problem: str) -> None:
    assert problem in queue(rest)


def test_what_a_union_refuses_is_said_once() -> None:
    assert len([p for p in queue("steps: [{name: a}]\n    ranking: [5.5]") if "ranking" in p]) == 1


def test_the_tag_of_a_union_is_no_part_of_the_path() -> None:
    (problem,) = problems("nodes:\n  hello:\n    type: play\n    promt: x\n    prompt: y\n")
    assert problem == "f.yaml:4: nodes.hello.promt: 'promt' is not known here (did you mean 'prompt'?)"


def test_a_wrong_key_of_a_mapping_is_named() -> None:
    (problem,) = problems("queues:\n  BILLING: {steps: [{name: a}]}\n")
    assert problem.startswith("f.yaml:2: queues.BILLING: ")
    assert "the name is 'BILLING'" in problem


def test_an_empty_document_is_told_what_belongs_there() -> None:
    assert problems("") == ["f.yaml: a mapping (`key: value` lines) belongs here, not nothing"]


def test_long_values_are_shown_short() -> None:
    (problem,) = [p for p in queue("steps: [{name: a}]\n    ring_s: " + "x" * 500) if "ring_s" in p]
    assert len(problem) < 200


def test_a_part_of_a_document_is_validated_at_its_own_lines() -> None:
    source = read("x: 1\ninner:\n  steps: []\n", "f.yaml")
    with pytest.raises(DocumentError) as caught:
        validate(source, Queue, ("inner",))
    assert str(caught.value.problems[0]).startswith("f.yaml:3: inner.steps: ")
    assert validate(read("q: {steps: [{name: a}]}"), Queue, ("q",)).steps[0].name == "a"
