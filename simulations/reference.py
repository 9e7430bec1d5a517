"""The scenario's JSON Schema and the page on distributions, both made from the models themselves."""

import inspect
import json

from simulations.distributions import DISTRIBUTIONS, Distribution
from simulations.scenario import Scenario


def schema_text() -> str:
    """JSON Schema 2020-12 of a scenario, as it is published for editors."""
    head = {"$schema": "https://json-schema.org/draft/2020-12/schema"}
    schema = head | Scenario.model_json_schema() | {"title": "Switchboard scenario"}
    return json.dumps(schema, indent=2, ensure_ascii=False) + "\n"


def distributions_page() -> str:
    """Every distribution with its meaning and example, as Markdown."""
    return "\n\n".join([_HEAD, *(_section(kind) for kind in DISTRIBUTIONS.values())]) + "\n"


_HEAD = """# Distributions

<!-- Generated from simulations/distributions/ by `python -m switchboard.reference`; do not edit. -->

What a [scenario](../simulation.md) may say where a time is drawn. A bare number is a constant. The quantiles are those
of the example; a test holds the sampler to them."""


def _section(kind: type[Distribution]) -> str:
    quantiles = ", ".join(
        f"{probability * 100:g} % at most {value:,.1f}" for probability, value in kind.expected_quantiles.items()
    )
    return "\n\n".join(
        [
            f"## {kind.name}",
            inspect.cleandoc(kind.__doc__ or ""),
            f"```yaml\n{kind.example}\n```",
            f"Mean {kind.expected_mean:,.1f}; {quantiles}.",
        ]
    )
