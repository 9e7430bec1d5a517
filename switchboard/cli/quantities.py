"""How quantities are written on the command line: `30m`, `15s`, `0.8`, `80%`, `360,420,80`."""

import re

import typer

_UNITS = {"ms": 0.001, "": 1.0, "s": 1.0, "m": 60.0, "min": 60.0, "h": 3600.0}


def seconds(text: str) -> float:
    """`240`, `240s`, `4m`, `0.5h` or `500ms` in seconds."""
    match = re.fullmatch(r"(\d+(?:\.\d*)?|\.\d+) ?(ms|s|m|min|h|)", text.strip())
    if match is None:
        raise typer.BadParameter(f"{text!r} is no length of time; write 240, 240s, 4m, 1.5h or 500ms")
    return float(match[1]) * _UNITS[match[2]]


def share(text: str) -> float:
    """`0.8` or `80%`."""
    match = re.fullmatch(r"(\d+(?:\.\d*)?|\.\d+) ?(%?)", text.strip())
    value = float(match[1]) / (100 if match[2] else 1) if match else None
    if value is None or value > 1:
        raise typer.BadParameter(f"{text!r} is no share; write 0.8 or 80%")
    return value


def numbers(text: str) -> list[float]:
    """`360` or `360,420,80`, one for each interval."""
    try:
        return [float(part) for part in text.split(",")]
    except ValueError:
        raise typer.BadParameter(f"{text!r}: a number, or one for each interval such as 360,420,80") from None
