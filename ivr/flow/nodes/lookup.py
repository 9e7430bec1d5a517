from typing import ClassVar, Literal

from pydantic import Field

from ivr.flow import effects
from ivr.flow.effects import HangUp
from ivr.flow.inputs import EffectFailed, LookedUp, LookupFailed
from ivr.flow.looking import AskingSource
from ivr.flow.names import Target
from ivr.flow.node import Fixture, Result, WrongInput
from ivr.flow.turn import Turn

_FETCH = effects.LookUp("https://crm.example/customers/%2B15550100", query={"fields": "tier"}, timeout_ms=2_000)


class Lookup(AskingSource):
    """Fetches JSON over HTTP, or a row of a database, and maps it into attributes. The centre's settings say which
    hosts and databases are allowed.

    A 2xx status is `ok`; 204, 404 and 410 are `not_found`; everything else is `error`, time apart. A row is `ok`, none
    is `not_found`. A result that the answer lacks leaves its attribute unset, so that conditions on it are false.

    A database is asked by `database` and `sql`, read-only and with bound parameters:
    `{database: crm, sql: "select tier from customers where phone = :phone", parameters: {phone: contact.number}}`.
    """

    type: Literal["lookup"]
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
        (WrongInput if isinstance(answer, EffectFailed) else Fixture)(
            title, ((None, (_FETCH,)), (answer, (HangUp(where),)))
        )
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

    def exits(self) -> dict[str, str]:
        return {
            "ok": self.ok,
            "not_found": self.not_found,
            "timeout": self.timeout or self.error,
            **super().exits(),
        }

    def enter(self, turn: Turn) -> Result:
        return self.question(turn)

    def take(self, turn: Turn, answer: LookedUp | LookupFailed) -> Result:
        if isinstance(answer, LookupFailed) and answer.cause == "timeout":
            return "timeout"
        return "ok" if self.found(turn, answer) else "not_found"
