from typing import Annotated, ClassVar, Literal, Self

from pydantic import Field, model_validator

from ivr.flow import effects
from ivr.flow.effects import HangUp
from ivr.flow.names import AttributeName, Computed, Matching, Target, TextTemplate, WebhookName
from ivr.flow.node import Fixture, Node, NodeError, Part, Result, WrongInput
from ivr.flow.session import Attribute
from ivr.flow.turn import Turn

Address = Annotated[
    str,
    Field(max_length=254),
    Matching(r"^[A-Za-z0-9._%+-]{1,64}@[A-Za-z0-9-]+(\.[A-Za-z0-9-]+)+$", "an e-mail address belongs here"),
]


class Email(Part):
    """An e-mail."""

    to: list[Address] = Field(min_length=1, max_length=20, description="The addresses; fixed, so no caller names any.")
    subject: TextTemplate = Field(description="With `{{ expression }}` anywhere.")
    text: TextTemplate = Field(description="With `{{ expression }}` anywhere.")


class Notify(Node):
    """Tells others, and goes on at once: a webhook of the centre's settings (`settings.notify.webhooks`), signed, or an
    e-mail. Neither a slow nor a dead receiver keeps the caller waiting; it is tried again, and what could not be
    delivered is in the log and in the contact's story.

    A webhook is sent JSON: `flow`, `node`, `contact`, `number`, `dialled`, `language`, and `data`. What has no value is
    left out of `data`, and empty in an e-mail.
    """

    type: Literal["notify"]
    webhook: WebhookName | None = Field(None, description="The name of the webhook.")
    email: Email | None = Field(None, description="Instead of `webhook`: `{to, subject, text}`.")
    data: dict[AttributeName, Computed] = Field(default_factory=dict, description="What the webhook is told.")
    next: Target = Field(description="Where to go, at once.")

    example: ClassVar[str] = """
        tell-claims:
          type: notify
          webhook: claims
          data: {damage: contact.damage, tier: contact.tier}
          next: tell-people
        tell-people:
          type: notify
          email:
            to: [claims@insurer.example]
            subject: "A new claim of {{ contact.number }}"
            text: "Damage: {{ contact.damage }}, tier: {{ contact.tier }}"
          next: thanks
        """
    fixtures: ClassVar[tuple[Fixture, ...]] = (
        WrongInput(
            "tells both and goes on; what is missing is left out",
            (
                (
                    None,
                    (
                        effects.Notify("main", "tell-claims", "claims", data={"damage": "water"}),
                        effects.Notify(
                            "main",
                            "tell-people",
                            to=("claims@insurer.example",),
                            subject="A new claim of +15550100",
                            text="Damage: water, tier: ",
                        ),
                        HangUp("thanks"),
                    ),
                ),
            ),
            attributes=(("damage", "water"),),
        ),
    )

    @model_validator(mode="after")
    def _one_way(self) -> Self:
        if (self.webhook is None) == (self.email is None):
            raise ValueError("either 'webhook' or 'email' is needed")
        if self.email is not None and self.data:
            raise ValueError("'data' is for a webhook; an e-mail has its 'text'")
        return self

    def exits(self) -> dict[str, str]:
        return {"next": self.next, **super().exits()}

    def enter(self, turn: Turn) -> Result:
        where = (turn.flow.name, turn.node)
        if self.email is None:
            data = {name: value for name, e in self.data.items() if (value := _value(turn, e)) is not None}
            turn.effects.append(effects.Notify(*where, str(self.webhook), data=data))
        else:
            subject, text = (
                template.fill(lambda e: "" if (value := _value(turn, e)) is None else value)
                for template in (self.email.subject, self.email.text)
            )
            turn.effects.append(effects.Notify(*where, to=tuple(self.email.to), subject=subject, text=text))
        return "next"


def _value(turn: Turn, expression: Computed) -> Attribute | None:
    try:
        return turn.value(expression)
    except NodeError:
        return None
