"""A report as one HTML file that needs nothing beside it: no script, no font, no picture from elsewhere."""

from functools import cache
from importlib import resources

import jinja2

from simulations.reports.frame import Report


def html(report: Report) -> str:
    return _template().render(report=report)


@cache
def _template() -> jinja2.Template:
    text = resources.files("simulations").joinpath("templates/report.html.j2").read_text(encoding="utf-8")
    environment = jinja2.Environment(
        autoescape=True, trim_blocks=True, lstrip_blocks=True, undefined=jinja2.StrictUndefined
    )
    return environment.from_string(text)
