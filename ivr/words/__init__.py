"""Values in words: numbers, digits, dates, times and money as each language says them. Pure."""

from typing import Literal

What = Literal["digits", "number", "date", "time", "datetime", "money"]
