"""How people read figures: in their unit, with the half-width of the confidence interval beside."""

from simulations.statistics import Estimate


def percent(estimate: Estimate) -> str:
    return _with_half_width(estimate, 100.0, " %", 1)


def seconds(estimate: Estimate) -> str:
    return _with_half_width(estimate, 0.001, " s", 1)


def plain(estimate: Estimate) -> str:
    return _with_half_width(estimate, 1.0, "", 1)


def fine(estimate: Estimate) -> str:
    return _with_half_width(estimate, 1.0, "", 2)


def money(estimate: Estimate, currency: str = "") -> str:
    """Whole units from 100 on: nobody plans in cents."""
    largest = max(abs(estimate.value or 0), abs(estimate.half_width or 0))
    return _with_half_width(estimate, 1.0, f" {currency}" if currency else "", 0 if largest >= 100 else 2)


def _with_half_width(estimate: Estimate, scale: float, unit: str, places: int) -> str:
    if estimate.value is None:
        return "–"
    value = f"{_number(estimate.value * scale, places)}{unit}"
    return f"{value} ± {estimate.half_width * scale:,.{places}f}" if estimate.half_width else value


def signed(text: str) -> str:
    """A difference with its sign, a true minus, and no sign before what is shown as nothing."""
    if text.startswith("-"):
        text = f"−{text[1:]}"
    elif text[:1].isdigit() and any(digit in "123456789" for digit in text.partition(" ")[0]):
        text = f"+{text}"
    return text


def _number(value: float, places: int) -> str:
    text = f"{value:,.{places}f}"
    return text.removeprefix("-") if not any(digit in "123456789" for digit in text) else text


def duration(minutes: float) -> str:
    """`90` minutes as people say it: `1 h 30 min`."""
    hours, rest = divmod(minutes, 60)
    parts = [f"{hours:,.0f} h" if hours else "", f"{rest:g} min" if rest or not hours else ""]
    return " ".join(part for part in parts if part)


def count(number: int, thing: str) -> str:
    """`1 replication`, `20 replications`."""
    return f"{number:,} {thing}{'' if number == 1 else 's'}"
