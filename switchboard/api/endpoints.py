"""The places of the HTTP API, as data: one for each operation of the table, and the few of the API's own.

The server makes its routes of them and `switchboard.api.openapi` the description, so the two cannot differ.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import date, datetime
from functools import cache
from typing import Any, get_args, get_origin

from pydantic import BaseModel, ConfigDict, create_model
from pydantic.fields import FieldInfo

from switchboard.operations import Operation, table

VERSION = "/v1"
_IN_BRACES = re.compile(r"{(\w+)}")


@dataclass(frozen=True, slots=True)
class Endpoint:
    """One method of one path. `in_path` and `in_query` are the parameters there, `body` the model of the JSON body.

    `answer` is the type of what comes back as JSON; where it is None, `media_type` says what comes back instead.
    `open`: nobody needs to say who they are. `roles` is for people: who may.
    """

    name: str
    area: str
    method: str
    path: str
    summary: str
    description: str = ""
    in_path: dict[str, FieldInfo] = field(default_factory=dict)
    in_query: dict[str, FieldInfo] = field(default_factory=dict)
    body: type[BaseModel] | None = None
    answer: Any = None
    media_type: str = "application/json"
    roles: str = ""
    open: bool = False
    statuses: tuple[int, ...] = ()

    @property
    def lists(self) -> frozenset[str]:
        """The parameters of the query that may be given several times."""
        return frozenset(
            name for name, info in self.in_query.items() if get_origin(info.annotation) in (list, tuple, set, frozenset)
        )

    @property
    def moments(self) -> frozenset[str]:
        """The parameters of the query that are dates or times."""
        return frozenset(
            name
            for name, info in self.in_query.items()
            if {date, datetime} & {info.annotation, *get_args(info.annotation)}
        )


@cache
def of_operation(operation: Operation) -> Endpoint:
    """Where the operation stands in the API. Fields of what it asks for that are not in its path are in the query of
    a GET or DELETE, and in the body of anything else."""
    fields = dict(operation.ask.model_fields)
    names = _IN_BRACES.findall(operation.path)
    unknown = [name for name in names if name not in fields]
    if unknown:
        raise ValueError(f"{operation.name}: its path {operation.path} names {unknown}, which it does not ask for")
    in_path = {name: fields.pop(name) for name in names}
    with_body = operation.method not in ("GET", "DELETE")
    roles = ", ".join(sorted(operation.roles)) + (", or the agent itself" if operation.own else "")
    return Endpoint(
        name=operation.name,
        area=operation.area,
        method=operation.method,
        path=VERSION + operation.path,
        summary=operation.summary,
        description=operation.description,
        in_path=in_path,
        in_query={} if with_body else fields,
        body=_body(operation, fields) if with_body and fields else None,
        answer=operation.answer,
        roles=roles,
        statuses=(403, 404, 409, 422, 429),
    )


def of_operations() -> Iterator[Endpoint]:
    """One for every operation of the table."""
    return map(of_operation, table().values())


def _body(operation: Operation, fields: dict[str, FieldInfo]) -> type[BaseModel]:
    if len(fields) == len(operation.ask.model_fields):
        return operation.ask
    name = "".join(part.capitalize() for part in operation.name.split("_")) + "Body"
    definitions: dict[str, Any] = {name: (info.annotation, info) for name, info in fields.items()}
    return create_model(name, __config__=ConfigDict(extra="forbid", frozen=True), **definitions)
