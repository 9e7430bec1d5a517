"""The reference pages that are generated from the code. `python -m switchboard.reference [DIR]` writes them anew."""

import sys
from collections.abc import Callable
from functools import partial
from pathlib import Path

from ivr.flow.reference import nodes_page
from ivr.flow.schema import flow_schema_text
from router.core import measures
from router.core.reference import strategies_page
from simulations import costs
from simulations import reference as simulations
from switchboard.api import measured, openapi
from switchboard.centre import reference as centre

PAGES: dict[str, Callable[[], str]] = {
    "docs/reference/changes.md": simulations.changes_page,
    "docs/reference/distributions.md": simulations.distributions_page,
    "docs/reference/flow.schema.json": flow_schema_text,
    "docs/reference/metrics.md": measures.reference_page,
    "docs/reference/money.md": costs.reference_page,
    "docs/reference/nodes.md": nodes_page,
    "docs/reference/openapi.json": openapi.text,
    "docs/reference/prometheus.md": measured.reference_page,
    "docs/reference/scenario-features.md": simulations.features_page,
    "docs/reference/scenario.schema.json": simulations.schema_text,
    "docs/reference/settings.md": centre.settings_page,
    "docs/reference/strategies.md": strategies_page,
    "docs/reference/what-if.schema.json": simulations.plan_schema_text,
    **{f"docs/reference/{name}.schema.json": partial(centre.schema_text, name) for name in centre.DOCUMENTS},
}
"""What makes each page, by its path in the repository."""


def write(root: Path) -> None:
    for page, generate in PAGES.items():
        path = root / page
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(generate())


if __name__ == "__main__":
    write(Path(sys.argv[1]) if len(sys.argv) > 1 else Path())
