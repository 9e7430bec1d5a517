"""Patterns for what callers enter: regular expressions that match all of the digits.

They are Rust's, which take linear time, so no pattern can hold the engine up.
"""

from typing import Annotated

from pydantic import AfterValidator
from pydantic_core import SchemaError, SchemaValidator, core_schema


def whole(pattern: str) -> SchemaValidator:
    """A validator that accepts texts of which all matches. Raises SchemaError for what is no pattern."""
    return SchemaValidator(core_schema.str_schema(pattern=f"^(?:{pattern})$", regex_engine="rust-regex"))


def _is_pattern(pattern: str) -> str:
    try:
        whole(pattern)
    except SchemaError:
        raise ValueError("not a regular expression (of the kind without look-around)") from None
    return pattern


Pattern = Annotated[str, AfterValidator(_is_pattern)]
