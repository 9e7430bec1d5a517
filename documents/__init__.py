"""Reading what people write: YAML with positions, typed validation, expressions, and problems that help.

This room is pure and knows nothing of calls; the flows, the router, the simulations and the application stand on it.
"""

from documents.changes import ABSENT, Difference, differences
from documents.expressions import Expression, ExpressionError
from documents.problems import DocumentError, Problem, nearest, why
from documents.source import Source, read
from documents.validation import validate

__all__ = [
    "ABSENT",
    "Difference",
    "DocumentError",
    "Expression",
    "ExpressionError",
    "Problem",
    "Source",
    "differences",
    "nearest",
    "read",
    "validate",
    "why",
]
