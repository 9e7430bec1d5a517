"""The currencies that can be said, and with how many decimals each is counted (ISO 4217)."""

import re
from collections.abc import Mapping
from decimal import ROUND_HALF_UP, Decimal
from typing import Final

DECIMALS: Final[Mapping[str, int]] = {
    **dict.fromkeys(re.findall("[A-Z]{3}", "ARS AUD BRL CAD CHF CNY COP EUR GBP HKD INR MXN NZD PEN SGD TWD USD"), 2),
    "CLP": 0,
    "JPY": 0,
}


def amount_text(amount: Decimal, currency: str) -> str:
    """The amount as the currency is counted, half a cent upwards, such as `12.50 EUR`. Raises KeyError for a currency
    that cannot be said."""
    rounded = amount.quantize(Decimal(1).scaleb(-DECIMALS[currency]), ROUND_HALF_UP)
    return f"{rounded if rounded else abs(rounded)} {currency}"
