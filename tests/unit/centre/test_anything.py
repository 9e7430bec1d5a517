"""Whatever stands at whatever place of a document: the centre loads, or DocumentError says what is wrong with it."""

import json
import random
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from documents import DocumentError, Problem, read
from switchboard.centre import load_centre
from tests.support.centres import FILES, write_centre

ODD = [None, True, 0, -1, 1.5, 10**30, "", "x", "\n", "contact.", "a" * 300, [], [[]], {}, {"": ""}, {"x": {"y": []}}]
Place = tuple[str | int, ...]


def places(data: Any, at: Place = ()) -> Iterator[Place]:
    yield at
    for key, value in data.items() if isinstance(data, dict) else enumerate(data) if isinstance(data, list) else ():
        yield from places(value, (*at, key))


def changed(data: Any, at: Place, value: object) -> Any:
    if not at:
        return value
    copy = dict(data) if isinstance(data, dict) else list(data)
    copy[at[0]] = changed(data[at[0]], at[1:], value)
    return copy


EVERY = [(file, at, odd) for file, text in FILES.items() for at in places(read(text).data) for odd in ODD]


@pytest.mark.parametrize(("file", "at", "odd"), random.Random(20260105).sample(EVERY, 100))
def test_anything_anywhere(tmp_path: Path, file: str, at: Place, odd: object) -> None:
    write_centre(tmp_path, {file: json.dumps(changed(read(FILES[file]).data, at, odd))})
    problems: tuple[Problem, ...]
    try:
        problems = load_centre(tmp_path).warnings
    except DocumentError as error:
        problems = error.problems
    assert all(problem.file for problem in problems), problems
