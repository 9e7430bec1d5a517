import pickle

import pytest

from documents import DocumentError, Problem, nearest


@pytest.mark.parametrize(
    ("name", "valid", "hint"),
    [
        ("biling", ["billing", "cards"], "did you mean 'billing'?"),
        ("BILLING", ["billing", "cards"], "did you mean 'billing'?"),
        ("card", ["cards", "carts", "loans"], "did you mean 'cards' or 'carts'?"),
        ("xyz", ["billing", "cards"], "known: billing, cards"),
        (
            "xyz",
            [f"queue{i}" for i in range(9)],
            "known: queue0, queue1, queue2, queue3, queue4, queue5, queue6, queue7, ...",
        ),
        ("xyz", [], "none is defined"),
    ],
)
def test_the_nearest_names(name: str, valid: list[str], hint: str) -> None:
    assert nearest(name, valid) == hint


def test_a_problem_reads_as_a_line() -> None:
    assert str(Problem("is wrong", "a.yaml", 3, "b.c", "write d")) == "a.yaml:3: b.c: is wrong (write d)"
    assert str(Problem("is wrong", "a.yaml")) == "a.yaml: is wrong"
    assert str(Problem("is wrong")) == "is wrong"


def test_a_document_error_shows_every_problem() -> None:
    assert str(DocumentError([Problem("one", "a"), Problem("two", "b")])) == "a: one\nb: two"


def test_a_document_error_travels_to_other_processes() -> None:
    error = DocumentError([Problem("one", "a", 3), Problem("two", "b")])
    assert pickle.loads(pickle.dumps(error)).problems == error.problems
