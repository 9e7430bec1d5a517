"""What went wrong with a request, as problem details (RFC 9457).

`type` is left out, which means `about:blank`: the status says what kind of problem it is. `detail` is for people.
"""

from http import HTTPStatus
from typing import Literal

from aiohttp import web
from pydantic import BaseModel, ConfigDict

from switchboard.operations import OperationRefused

Kind = Literal["unknown", "conflict", "forbidden", "invalid", "limited"]

STATUS: dict[Kind, HTTPStatus] = {
    "unknown": HTTPStatus.NOT_FOUND,
    "conflict": HTTPStatus.CONFLICT,
    "forbidden": HTTPStatus.FORBIDDEN,
    "invalid": HTTPStatus.UNPROCESSABLE_ENTITY,
    "limited": HTTPStatus.TOO_MANY_REQUESTS,
}
"""The status of each kind of refusal of an operation."""

MEDIA_TYPE = "application/problem+json"


class ProblemDetails(BaseModel):
    """What went wrong (RFC 9457)."""

    model_config = ConfigDict(use_attribute_docstrings=True)

    title: str
    """The status in words."""
    status: int
    """The HTTP status."""
    detail: str
    """What is wrong and what would be right, for the person who asked."""
    request_id: str
    """As in the header `X-Request-ID`; the engine's log names the request by it."""


class Problem(Exception):
    """Ends the handling of a request with this answer."""

    def __init__(self, status: int, detail: str, headers: dict[str, str] | None = None) -> None:
        super().__init__(detail)
        self.status = HTTPStatus(status)
        self.detail = detail
        self.headers = headers or {}


def refused(refusal: OperationRefused) -> Problem:
    """The refusal of an operation as a problem."""
    return Problem(STATUS[refusal.kind], str(refusal))


def response(problem: Problem, request_id: str) -> web.Response:
    details = ProblemDetails(
        title=problem.status.phrase, status=problem.status, detail=problem.detail, request_id=request_id
    )
    return web.Response(
        body=details.model_dump_json().encode(),
        status=problem.status,
        content_type=MEDIA_TYPE,
        headers=problem.headers,
    )
