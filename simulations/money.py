"""What things cost, as a planner writes it down: the `money` of a scenario. `simulations.costs` reckons with it."""

from collections.abc import Iterable, Iterator
from typing import Annotated

from pydantic import Field

from documents import Problem, Source, nearest
from router.core.policy import Policy
from simulations.distributions.base import NotNegative
from simulations.fields import Model


class Overtime(Model):
    """Hours of an agent's day beyond `after_hours`, and time worked after the shift's end to finish a contact, are paid
    `factor` times."""

    after_hours: NotNegative = 8
    factor: Annotated[float, Field(ge=1)] = 1.5


class Money(Model):
    """What an hour of an agent, a lost contact and a minute on the line cost, in one currency.

    `wages_per_hour` are those of agents or groups by name; the others have `wage_per_hour`, or what the centre's agents
    cost (`cost_per_hour`). `lost_contact` is the value of a contact that nobody took, by queue in `lost_contacts` where
    it differs. `telephone_per_minute` is paid for every minute that a caller waits or talks. `self_service_saves` is
    what a contact that self-service finished would have cost; without it, what a contact takes of an agent's time.
    """

    currency: Annotated[str, Field(max_length=12)] = ""
    wage_per_hour: NotNegative | None = None
    wages_per_hour: dict[str, NotNegative] = {}
    overtime: Overtime = Overtime()
    lost_contact: NotNegative = 0
    lost_contacts: dict[str, NotNegative] = {}
    telephone_per_minute: NotNegative = 0
    self_service_saves: NotNegative | None = None


def wage_of(money: Money, policy: Policy, agent: str, group: str) -> float | None:
    """What an hour of this agent costs; None: nobody says."""
    for name in (agent, group):
        if name in money.wages_per_hour:
            return money.wages_per_hour[name]
    if money.wage_per_hour is not None:
        return money.wage_per_hour
    return next((of.cost_per_hour or None for of in policy.agents if of.name == agent), None)


def money_problems(source: Source, money: Money, policy: Policy, staff: Iterable[tuple[str, str]]) -> Iterator[Problem]:
    """Names that do not exist, and staff (agent, group) for whom there is no wage."""
    staff = tuple(staff)
    names = {name for pair in staff for name in pair} | {agent.name for agent in policy.agents}
    for name in money.wages_per_hour:
        if name not in names:
            message = f"there is no agent or group {name!r}"
            yield source.problem(("money", "wages_per_hour", name), message, nearest(name, names))
    queues = [queue.name for queue in policy.queues]
    for name in money.lost_contacts:
        if name not in queues:
            message = f"there is no queue {name!r}"
            yield source.problem(("money", "lost_contacts", name), message, nearest(name, queues))
    unpaid = sorted({group for agent, group in staff if wage_of(money, policy, agent, group) is None})
    if unpaid:
        hint = "give 'wage_per_hour' for all, or 'wages_per_hour' by agent or group"
        yield source.problem(("money",), f"there is no wage for the group {', '.join(map(repr, unpaid))}", hint)
