import hashlib
from collections.abc import Iterator
from itertools import accumulate
from typing import ClassVar, Literal, Self

from pydantic import Field, model_validator

from ivr.flow.effects import HangUp
from ivr.flow.names import AttributeName, Computed, ExitName, Target
from ivr.flow.node import Fixture, Node, NodeError, Part, Result, WrongInput
from ivr.flow.session import Caller
from ivr.flow.turn import Turn

RESERVED = frozenset({"error"})


class Way(Part):
    """One of the ways, with its share of the callers."""

    share: float = Field(gt=0, le=1_000_000, description="Its weight; shares need not add up to anything.")
    to: Target = Field(description="Where it leads.")


class Split(Node):
    """Sends shares of the callers different ways, and notes in an attribute who went which: a trial of two menus, say.

    The same caller always goes the same way: it hangs on a hash of `name` and of the caller's number, or of what `by`
    yields. A caller without a number (or for whom `by` has no value) goes by the moment of the call. With another
    `name` the callers are mixed anew.
    """

    type: Literal["split"]
    name: ExitName = Field(description="The name of the trial; nodes of one name split alike.")
    ways: dict[ExitName, Way] = Field(min_length=2, max_length=20, description="The ways by name: `{share, to}`.")
    by: Computed | None = Field(None, description="What callers are told apart by; by default their number.")
    into: AttributeName = Field("split", description="The attribute that takes the name of the way.")

    example: ClassVar[str] = """
        try-menus:
          type: split
          name: menus-2026
          into: menu_tried
          ways:
            short: {share: 90, to: short-menu}
            long: {share: 10, to: told-apart}
        told-apart:
          type: branch
          conditions: [{when: contact.menu_tried == 'long', to: long-menu}]
          otherwise: short-menu
        """
    fixtures: ClassVar[tuple[Fixture, ...]] = (
        Fixture("one of the many", ((None, (HangUp("short-menu"),)),)),
        Fixture("one of the few, noted", ((None, (HangUp("long-menu"),)),), caller=Caller("+15550117")),
        WrongInput("without a number, by the moment", ((None, (HangUp("short-menu"),)),), caller=Caller("")),
    )

    @model_validator(mode="after")
    def _names_are_free(self) -> Self:
        for name in sorted(RESERVED & self.ways.keys()):
            raise ValueError(f"{name!r} is a field of its own, not one of 'ways'")
        return self

    def exits(self) -> dict[str, str]:
        return {**{name: way.to for name, way in self.ways.items()}, **super().exits()}

    def sets(self) -> Iterator[str]:
        yield f"contact.{self.into}"

    def enter(self, turn: Turn) -> Result:
        bounds = list(accumulate(way.share for way in self.ways.values()))
        point = _fraction(f"{self.name}\0{self._key(turn)}") * bounds[-1]
        name = next((name for name, bound in zip(self.ways, bounds, strict=True) if point < bound), list(self.ways)[-1])
        turn.set(self.into, str(name))
        return str(name)

    def _key(self, turn: Turn) -> str:
        try:
            key = str(turn.value(self.by)) if self.by else turn.caller.number
        except NodeError:
            key = ""
        return key or f"at {turn.now_ms}"


def _fraction(text: str) -> float:
    """Evenly spread in [0, 1): the first 53 bits of the text's SHA-256."""
    digest = hashlib.sha256(text.encode("utf-8", "replace")).digest()
    return (int.from_bytes(digest[:8], "big") >> 11) / 2**53
