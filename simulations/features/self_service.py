"""An IVR before the queue, where no flow is simulated."""

from simulations.distributions import AnyDistribution
from simulations.features.base import Feature
from simulations.fields import Model, Share


class SelfService(Model):
    """A caller is in the IVR for `takes_s`. The share `served` gets what it wants there; the others then enter
    their queue."""

    takes_s: AnyDistribution
    served: Share = 0.0


FEATURE = Feature(
    name="self_service",
    place=("kinds", "*", "self_service"),
    text="""\
Kinds that dial a `number` go through the centre's real flows. Where there is no flow yet, or it does not matter which
keys are pressed, `self_service` says how long callers are in the IVR before they wait, and which share of them
is `served` there. They hold a line meanwhile (`lines`), and the wait begins behind it.

After R. Srinivasan, J. Talim and J. Wang, "Performance analysis of a call center with interactive voice response
units", TOP 12 (2004): `examples/published/ivr-and-agents.yaml`.""",
    example="""\
kinds:
  calls:
    self_service: {takes_s: {distribution: exponential, mean: 45}, served: 0.25}
""",
)
