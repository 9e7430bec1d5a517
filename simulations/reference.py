"""The scenario's JSON Schema and the page on distributions, both made from the models themselves."""

import inspect
import json

from simulations.distributions import DISTRIBUTIONS, Distribution
from simulations.features import BASE, FEATURES
from simulations.features.base import Feature
from simulations.scenario import Scenario
from simulations.what_if.changes import CHANGES
from simulations.what_if.plan import Plan


def schema_text() -> str:
    """JSON Schema 2020-12 of a scenario, as it is published for editors."""
    head = {"$schema": "https://json-schema.org/draft/2020-12/schema"}
    schema = head | Scenario.model_json_schema() | {"title": "Switchboard scenario"}
    return json.dumps(schema, indent=2, ensure_ascii=False) + "\n"


def plan_schema_text() -> str:
    """JSON Schema 2020-12 of a what-if file."""
    head = {"$schema": "https://json-schema.org/draft/2020-12/schema"}
    schema = head | Plan.model_json_schema() | {"title": "Switchboard what-if"}
    return json.dumps(schema, indent=2, ensure_ascii=False) + "\n"


def changes_page() -> str:
    """Every kind of change with its meaning, fields and example, as Markdown."""
    sections = [
        f"## {kind.name}\n\n{inspect.cleandoc(kind.__doc__ or '')}\n\n```yaml\n- {kind.example[1:-1]}\n```"
        for kind in CHANGES.values()
    ]
    return "\n\n".join([_CHANGES, *sections]) + "\n"


_CHANGES = """# Changes

<!-- Generated from simulations/what_if/changes/ by `python -m switchboard.reference`; do not edit. -->

What a [what-if](../what-if.md) may change. A name that does not exist is refused, with the nearest that does; what
comes out is checked like any scenario and centre."""


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


def features_page() -> str:
    """Every feature of a scenario with its meaning and example, as Markdown."""
    return "\n\n".join([_FEATURES_HEAD, *(_feature(feature) for feature in FEATURES.values())]) + "\n"


_FEATURES_HEAD = f"""# What a scenario may say of its world

<!-- Generated from simulations/features/ by `python -m switchboard.reference`; do not edit. -->

Each of these is left out of a [scenario](../simulation.md), or written where its heading says (`*` is any name or
position). What is random in it has random streams of its own: callers and agents are otherwise the same with it and
without it. All fields are in the [JSON Schema](scenario.schema.json). The examples are laid over this scenario; a test
plays them.

```yaml
{BASE}```"""


def _feature(feature: Feature) -> str:
    heading = f"## {feature.name.replace('_', ' ').capitalize()}: `{'.'.join(feature.place)}`"
    return "\n\n".join([heading, feature.text, f"```yaml\n{feature.example}```"])
