"""What people and programs may ask of a running engine: one table of operations, four doors.

The doors are the local control socket (which the CLI uses), the HTTP API, agents' phones and the engine itself. An
operation is one function in the file of its area. Its annotations are the whole interface: the model it takes, the
model it returns, the roles that may ask, where it stands in the HTTP API. The control socket, the API with its OpenAPI
description, the audit log and the reference documentation read the table; none of them knows an operation by name.
"""

from switchboard.operations.base import (
    Actor,
    Answer,
    Ask,
    Done,
    Operation,
    OperationRefused,
    Role,
    operation,
    perform,
    table,
)

__all__ = [
    "Actor",
    "Answer",
    "Ask",
    "Done",
    "Operation",
    "OperationRefused",
    "Role",
    "operation",
    "perform",
    "table",
]
