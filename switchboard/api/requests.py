"""From an HTTP request to what is asked: the path, the query and a JSON body, each checked against its model."""

from typing import Any, TypeVar

import pydantic_core
from aiohttp import web
from pydantic import BaseModel, ValidationError

from switchboard.api.endpoints import Endpoint
from switchboard.api.problems import Problem
from switchboard.operations.base import in_words

Model = TypeVar("Model", bound=BaseModel)
_JSON = "application/json"


async def arguments(request: web.Request, endpoint: Endpoint) -> dict[str, Any]:
    """All that is asked, for `operations.perform`. Raises Problem.

    The body is taken as it is typed: a number in quotes is no number there, while in the path and the query everything
    is text.
    """
    asked: dict[str, Any] = dict(request.match_info) | query(request, endpoint)
    if endpoint.body is not None:
        asked |= (await body(request, endpoint.body))[0]
    elif request.can_read_body and (await _json(request)) not in (b"", b"{}"):
        raise Problem(422, "nothing is expected in the body")
    return asked


def query(request: web.Request, endpoint: Endpoint) -> dict[str, Any]:
    """The parameters of the query. Raises Problem for those that are unknown or come twice."""
    found: dict[str, Any] = {}
    for name in request.query:
        if name not in endpoint.in_query:
            known = ", ".join(endpoint.in_query) or "none"
            raise Problem(422, f"unknown parameter {name!r} in the query; known: {known}")
        values = request.query.getall(name)
        if name in endpoint.lists:
            found[name] = values
        elif len(values) > 1:
            raise Problem(422, f"{name!r} is in the query {len(values)} times")
        else:
            found[name] = values[0]
    return found


async def body(request: web.Request, model: type[Model]) -> tuple[dict[str, Any], Model]:
    """The body as it is written, and as the model has it. Raises Problem."""
    raw = await _json(request) or b"{}"
    try:
        written = pydantic_core.from_json(raw, allow_inf_nan=False)
    except ValueError as error:
        raise Problem(400, f"the body is no JSON: {error}") from None
    try:
        return written, model.model_validate_json(raw, strict=True)
    except ValidationError as error:
        raise Problem(422, in_words(error)) from None


async def _json(request: web.Request) -> bytes:
    raw = await request.read()
    if raw and request.content_type != _JSON:
        raise Problem(415, f"the body has to be {_JSON}")
    return raw
