"""JSON merge patches (RFC 7396): the difference of two documents as a document.

In a patch null means "remove", so documents themselves hold no null: what is not there is left out.
"""

from typing import Any

Json = dict[str, Any]


def difference(old: Json, new: Json) -> Json:
    """The patch that makes `new` of `old`; empty if they are the same."""
    patch: Json = {key: None for key in old if key not in new}
    for key, value in new.items():
        before = old.get(key)
        if value is before:
            continue
        if isinstance(value, dict) and isinstance(before, dict):
            if inner := difference(before, value):
                patch[key] = inner
        elif value != before or type(value) is not type(before):
            patch[key] = value
    return patch


def merge(document: Json, patch: Json) -> None:
    """Applies the patch to the document, in place."""
    for key, value in patch.items():
        if value is None:
            document.pop(key, None)
        elif isinstance(value, dict):
            inner = document.get(key)
            if not isinstance(inner, dict):
                inner = document[key] = {}
            merge(inner, value)
        else:
            document[key] = value
