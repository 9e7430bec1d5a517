"""What lookup, identify and verify share: asking an outside source, over HTTP or in a database, and mapping its answer.

A database is asked by one SELECT whose parameters are bound, never by text put together. That it only reads is checked
here as far as the text shows, and kept by the shell, which asks in a transaction that cannot write.
"""

import re
from collections.abc import Iterator, Mapping
from functools import cached_property
from typing import TYPE_CHECKING, Annotated, Any, ClassVar, Literal, Self

from pydantic import AfterValidator, Field, model_validator

from documents import Expression, nearest
from ivr.flow import effects
from ivr.flow.inputs import LookedUp, LookupFailed
from ivr.flow.names import AttributeName, ComputedFromAnswer, ComputedToAsk, DatabaseName, UrlTemplate
from ivr.flow.node import Node, NodeError
from ivr.flow.session import Attribute

if TYPE_CHECKING:
    from ivr.flow.turn import Turn

HeaderName = Annotated[str, Field(pattern=r"^[A-Za-z0-9-]{1,60}$")]
HeaderValue = Annotated[str, Field(pattern=r"^[\x20-\x7e]{0,500}$")]
ParameterName = Annotated[str, Field(min_length=1, max_length=60)]

# Text that is no SQL: strings, quoted names, comments; PostgreSQL's casts are no parameters.
_QUOTED = re.compile(r"'(?:''|[^'])*'|\"(?:\"\"|[^\"])*\"|--[^\n]*|/\*.*?\*/", re.DOTALL)
_PARAMETERS = re.compile(r"(?<![:\w]):([A-Za-z_][A-Za-z0-9_]*)")
_WRITES = ("INSERT", "UPDATE", "DELETE", "MERGE", "CREATE", "ALTER", "DROP", "TRUNCATE", "GRANT", "INTO", "CALL")


def _only_reads(statement: str) -> str:
    bare = _QUOTED.sub(" ", statement).strip().rstrip(";")
    words = [word.upper() for word in re.findall(r"\w+", bare)]
    if not words or words[0] not in ("SELECT", "WITH"):
        raise ValueError("a lookup only reads: one SELECT statement belongs here")
    if ";" in bare:
        raise ValueError("one statement belongs here, without a ';' in it")
    for word in _WRITES:
        if word in words:
            raise ValueError(f"a lookup only reads; {word} does not")
    return statement


Sql = Annotated[
    str,
    Field(max_length=4_000, description="One SELECT, with `:name` for each of `parameters`; its first row counts."),
    AfterValidator(_only_reads),
]


def sql_parameters(statement: str) -> frozenset[str]:
    """The names of the parameters in this statement."""
    return frozenset(_PARAMETERS.findall(_QUOTED.sub(" ", statement)))


class AskingSource(Node):
    """Base of the nodes that ask an outside source."""

    url: UrlTemplate | None = Field(
        None, description="With `{{ expression }}` anywhere after the host; values are percent-encoded."
    )
    method: Literal["GET", "POST"] = Field("GET", description="How the server is asked.")
    query: dict[ParameterName, ComputedToAsk] = Field(default_factory=dict, description="Added to the address.")
    body: dict[ParameterName, ComputedToAsk] | None = Field(None, description="Sent as JSON, with POST only.")
    headers: dict[HeaderName, HeaderValue] = Field(default_factory=dict, description="Fixed text, no secrets.")
    database: DatabaseName | None = Field(
        None, description="Instead of `url`: one of `settings.lookup.databases` of centre.yaml."
    )
    sql: Sql | None = Field(None, description="What it is asked: one SELECT, with `:name` for each of `parameters`.")
    parameters: dict[ParameterName, ComputedToAsk] = Field(default_factory=dict, description="Bound to the `:name`s.")
    timeout_s: float = Field(3, gt=0, le=30, description="How long to wait for the answer.")
    cache_s: float = Field(
        0, ge=0, le=86_400, description="For so long an equal question is answered from memory; 0: it is asked anew."
    )
    results: dict[AttributeName, ComputedFromAnswer] = Field(
        default_factory=dict, description="Attributes, from `data` (the answer's JSON, or the row) and `status`."
    )

    source_needed: ClassVar[bool] = True
    asks_with: ClassVar[frozenset[str]] = frozenset()
    """What expressions may look at besides the usual: `key`, `by`, `pin`."""

    @model_validator(mode="after")
    def _one_source(self) -> Self:
        if self.url is not None and self.database is not None:
            raise ValueError("either 'url' or 'database' is asked, not both")
        if self.source_needed and self.url is None and self.database is None:
            raise ValueError("'url' is missing, or 'database' and 'sql'")
        if (self.database is None) != (self.sql is None):
            raise ValueError("'database' and 'sql' go together")
        if self.body is not None and self.method != "POST":
            raise ValueError("only a POST has a body")
        named = sql_parameters(self.sql or "")
        for name in sorted(named ^ self.parameters.keys()):
            where = "'parameters' does not say what it is" if name in named else "the statement has no such parameter"
            raise ValueError(f":{name}: {where} ({nearest(name, named ^ self.parameters.keys() ^ {name})})")
        for expression in self._sent:
            for name in sorted(expression.names & {"key", "by", "pin"} - self.asks_with):
                raise ValueError(f"there is no variable {name!r} here")
        return self

    def sets(self) -> Iterator[str]:
        return (f"contact.{name}" for name in self.results)

    @cached_property
    def _sent(self) -> tuple[Expression, ...]:
        in_url = self.url.expressions if self.url else ()
        return (*in_url, *self.query.values(), *(self.body or {}).values(), *self.parameters.values())

    @cached_property
    def sensitive(self) -> bool:
        """Whether what is asked holds secrets."""
        return any(expression.names & {"secret", "pin"} for expression in self._sent)

    def question(self, turn: "Turn", more: dict[str, Any] | None = None) -> effects.LookUp | effects.Query:
        """The effect that asks; `more` are the further variables. Raises NodeError for a value that is missing."""

        def text(expression: Expression) -> str:
            value = turn.value(expression, more)
            return str(value).lower() if isinstance(value, bool) else str(value)

        def values(expressions: Mapping[str, Expression]) -> dict[str, Attribute]:
            return {name: turn.value(expression, more) for name, expression in expressions.items()}

        timeout_ms, cache_ms = round(self.timeout_s * 1000), round(self.cache_s * 1000)
        if self.url is None:
            return effects.Query(
                str(self.database), self.sql or "", values(self.parameters), timeout_ms, cache_ms, self.sensitive
            )
        return effects.LookUp(
            self.url.fill(text),
            self.method,
            {name: text(expression) for name, expression in self.query.items()},
            None if self.body is None else values(self.body),
            self.headers,
            timeout_ms,
            cache_ms,
            self.sensitive,
        )

    def found(self, turn: "Turn", answer: LookedUp | LookupFailed) -> bool:
        """Whether there is an answer to what was asked; `results` are then set, or unset where it lacks them.

        Raises NodeError when the source failed.
        """
        if isinstance(answer, LookupFailed):
            detail = "" if self.sensitive or not answer.detail else f": {answer.detail}"  # it may quote the address
            raise NodeError(f"lookup {answer.cause}{detail}")
        if answer.status in (204, 404, 410):
            return False
        if not 200 <= answer.status < 300:
            raise NodeError(f"lookup answered with HTTP status {answer.status}")
        more = {"data": answer.data, "status": answer.status}
        for name, expression in self.results.items():
            try:
                value = turn.value(expression, more)
            except NodeError:
                turn.unset(name)
            else:
                turn.set(name, value)
        return True
