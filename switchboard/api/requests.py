"""From an HTTP request to what is asked: the path, the query and a JSON body, each checked against its model.

What is not as the description says is a bad request (400). What is, and still makes no sense here, is for the operation
to say (422, 404, 409).
"""

import re
from collections.abc import Callable
from typing import Any, TypeVar

import pydantic_core
from aiohttp import web
from pydantic import BaseModel, ValidationError

from switchboard.api.endpoints import Endpoint
from switchboard.api.problems import Problem
from switchboard.operations.base import in_words

Model = TypeVar("Model", bound=BaseModel)
_JSON = "application/json"
_NUMBER = re.compile(r"[-+]?[0-9.]+")
_RULES = ("value_error", "assertion_error")
"""Errors of pydantic that come from rules between fields, which the description does not have."""


async def arguments(request: web.Request, endpoint: Endpoint, asks: type[BaseModel]) -> dict[str, Any]:
    """All that is asked, for `operations.perform`. Raises Problem.

    The body is taken as it is typed: a number in quotes is no number there, while in the path and the query everything
    is text.
    """
    asked: dict[str, Any] = dict(request.match_info) | query(request, endpoint)
    if endpoint.body is not None:
        asked |= (await body(request, endpoint.body))[0]
    elif request.can_read_body and (await _json(request)) not in (b"", b"{}"):
        raise Problem(400, "nothing is expected in the body")
    _checked(lambda: asks.model_validate(asked))
    return asked


def query(request: web.Request, endpoint: Endpoint) -> dict[str, Any]:
    """The parameters of the query. Raises Problem for those that are unknown or come twice."""
    found: dict[str, Any] = {}
    for name in request.query:
        if name not in endpoint.in_query:
            known = ", ".join(endpoint.in_query) or "none"
            raise Problem(400, f"unknown parameter {name!r} in the query; known: {known}")
        values = request.query.getall(name)
        if name in endpoint.moments and any(_NUMBER.fullmatch(value) for value in values):
            raise Problem(400, f"{name}: a date belongs here, such as 2026-03-31, or with its time, not a number")
        if name in endpoint.lists:
            found[name] = values
        elif len(values) > 1:
            raise Problem(400, f"{name!r} is in the query {len(values)} times")
        else:
            found[name] = values[0]
    return found


def from_query(request: web.Request, endpoint: Endpoint, model: type[Model]) -> Model:
    """The parameters of the query as the model has them. Raises Problem."""
    found = query(request, endpoint)
    return _checked(lambda: model.model_validate(found))


async def body(request: web.Request, model: type[Model]) -> tuple[dict[str, Any], Model]:
    """The body as it is written, and as the model has it. Raises Problem."""
    raw = await _json(request) or b"{}"
    try:
        written = _whole_numbers(pydantic_core.from_json(raw, allow_inf_nan=False))
    except ValueError as error:
        raise Problem(400, f"the body is no JSON: {error}") from None
    return written, _checked(lambda: model.model_validate_json(pydantic_core.to_json(written), strict=True))


def _checked(validate: Callable[[], Model]) -> Model:
    try:
        return validate()
    except ValidationError as error:
        of_the_whole = all(not problem["loc"] and problem["type"] in _RULES for problem in error.errors())
        raise Problem(422 if of_the_whole else 400, in_words(error)) from None


def _whole_numbers(value: Any) -> Any:
    """In JSON 3.0 is a whole number (JSON Schema 2020-12, 4.2.3), in Python it is none."""
    if isinstance(value, float) and value.is_integer():
        return int(value)
    if isinstance(value, list):
        return [_whole_numbers(item) for item in value]
    if isinstance(value, dict):
        return {key: _whole_numbers(item) for key, item in value.items()}
    return value


async def _json(request: web.Request) -> bytes:
    raw = await request.read()
    if raw and request.content_type != _JSON:
        raise Problem(415, f"the body has to be {_JSON}")
    return raw
