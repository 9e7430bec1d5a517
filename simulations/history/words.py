"""Figures of a history as people read them."""

from collections.abc import Sequence
from typing import Any

MOST_NAMES = 8


def law_text(document: dict[str, Any] | None) -> str:
    """A distribution in a few words."""
    if document is None:
        return "–"
    match document["distribution"]:
        case "mixture":
            first, second = document["parts"]
            return f"{first['share'] * 100:.1f} % at once, then {law_text(second['of'])}"
        case "empirical":
            return f"measured ({len(document['values'])} values)"
        case "constant":
            return f"constant, {document['value']:g} s"
        case name:
            rest = ", ".join(
                f"{key} {value:g}" for key, value in document.items() if key not in ("distribution", "mean")
            )
            return f"{name}, mean {document['mean']:g} s" + (f", {rest}" if rest else "")


def percent(value: float | None, places: int = 1) -> str:
    return "–" if value is None else f"{value * 100:.{places}f} %"


def seconds(value: float | None) -> str:
    return "–" if value is None else f"{value:,.1f} s"


def number(value: float | None, digits: int = 3) -> str:
    return "–" if value is None else f"{value:.{digits}g}"


def shortened(names: Sequence[str]) -> str:
    """The first MOST_NAMES of them, and how many more there are."""
    more = len(names) - MOST_NAMES
    return ", ".join(names[:MOST_NAMES]) + (f" and {more} more" if more > 0 else "")
