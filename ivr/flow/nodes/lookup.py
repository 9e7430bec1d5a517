from collections.abc import Iterator, Mapping
from functools import cached_property
from typing import Annotated, ClassVar, Literal, Self

from pydantic import Field, model_validator

from documents import Expression
from ivr.flow import effects
from ivr.flow.effects import HangUp
from ivr.flow.inputs import EffectFailed, LookedUp, LookupFailed
from ivr.flow.names import AttributeName, ComputedFromAnswer, ComputedWithSecrets, Target, UrlTemplate
from ivr.flow.node import Fixture, Node, NodeError, Result
from ivr.flow.session import Attribute
from ivr.flow.turn import Turn

HeaderName = Annotated[str, Field(pattern=r"^[A-Za-z0-9-]{1,60}$")]
HeaderValue = Annotated[str, Field(pattern=r"^[\x20-\x7e]{0,500}$")]
ParameterName = Annotated[str, Field(min_length=1, max_length=60)]

_FETCH = effects.LookUp("https://crm.example/customers/%2B15550100", query={"fields": "tier"}, timeout_ms=2_000)


class Lookup(Node):
    """Fetches JSON over HTTP and maps it into attributes. The centre's settings say which hosts are allowed.

    A 2xx status is `ok`; 204, 404 and 410 are `not_found`; everything else is `error`, time apart. A result that the
    answer lacks leaves its attribute unset, so that conditions on it are false.
    """

    type: Literal["lookup"]
    url: UrlTemplate = Field(description="With `{{ expression }}` anywhere after the host; values are percent-encoded.")
    method: Literal["GET", "POST"] = Field("GET", description="How the server is asked.")
    query: dict[ParameterName, ComputedWithSecrets] = Field(default_factory=dict, description="Added to the address.")
    body: dict[ParameterName, ComputedWithSecrets] | None = Field(None, description="Sent as JSON, with POST only.")
    headers: dict[HeaderName, HeaderValue] = Field(default_factory=dict, description="Fixed text, no secrets.")
    timeout_s: float = Field(3, gt=0, le=30, description="How long to wait for the answer.")
    results: dict[AttributeName, ComputedFromAnswer] = Field(
        default_factory=dict, description="Attributes, from `data` (the answer's JSON) and `status`."
    )
    ok: Target = Field(description="When there is an answer.")
    not_found: Target = Field(description="When there is none for what was asked.")
    error: Target = Field(description="When the server fails, or cannot be asked.")
    timeout: Target | None = Field(None, description="When the answer takes too long; by default as `error`.")

    example: ClassVar[str] = """
        find-customer:
          type: lookup
          url: https://crm.example/customers/{{ contact.number }}
          query: {fields: "'tier'"}
          timeout_s: 2
          results: {tier: data.customer.tier, points: data.customer.points}
          ok: by-tier
          not_found: new-customer
          error: operator
        by-tier:
          type: branch
          conditions:
            - {when: contact.points > 0, to: has-points}
            - {when: contact.tier == 'gold', to: gold-line}
          otherwise: standard-line
        """
    fixtures: ClassVar[tuple[Fixture, ...]] = tuple(
        Fixture(title, ((None, (_FETCH,)), (answer, (HangUp(where),))))
        for title, answer, where in (
            ("maps what is there", LookedUp(200, {"customer": {"tier": "gold"}}), "gold-line"),
            ("goes on without what is missing", LookedUp(200, []), "standard-line"),
            ("not found", LookedUp(404), "new-customer"),
            ("a server's error", LookedUp(503, "busy"), "operator"),
            ("unreachable", LookupFailed("unreachable"), "operator"),
            ("too late, and no exit of its own for that", LookupFailed("timeout"), "operator"),
            ("a shell that cannot look up", EffectFailed(), "operator"),
        )
    )

    @model_validator(mode="after")
    def _body_needs_post(self) -> Self:
        if self.body is not None and self.method != "POST":
            raise ValueError("only a POST has a body")
        return self

    def exits(self) -> dict[str, str]:
        return {
            "ok": self.ok,
            "not_found": self.not_found,
            "timeout": self.timeout or self.error,
            **super().exits(),
        }

    def sets(self) -> Iterator[str]:
        return (f"contact.{name}" for name in self.results)

    @cached_property
    def _sensitive(self) -> bool:
        sent = (*self.url.expressions, *self.query.values(), *(self.body or {}).values())
        return any("secret" in expression.names for expression in sent)

    def enter(self, turn: Turn) -> Result:
        def text(expression: Expression) -> str:
            value = turn.value(expression)
            return str(value).lower() if isinstance(value, bool) else str(value)

        def values(expressions: Mapping[str, Expression]) -> dict[str, Attribute]:
            return {name: turn.value(expression) for name, expression in expressions.items()}

        return effects.LookUp(
            self.url.fill(text),
            self.method,
            {name: text(expression) for name, expression in self.query.items()},
            None if self.body is None else values(self.body),
            self.headers,
            round(self.timeout_s * 1000),
            self._sensitive,
        )

    def take(self, turn: Turn, answer: LookedUp | LookupFailed) -> Result:
        if isinstance(answer, LookupFailed):
            if answer.cause == "timeout":
                return "timeout"
            detail = "" if self._sensitive or not answer.detail else f": {answer.detail}"  # it may quote the address
            raise NodeError(f"lookup {answer.cause}{detail}")
        if answer.status in (204, 404, 410):
            return "not_found"
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
        return "ok"
