"""Which formats there are: whatever `ivr/importing/formats/` holds."""

import importlib
import pkgutil
from collections.abc import Sequence
from functools import cache

from documents import DocumentError, Problem
from ivr.importing import formats
from ivr.importing.format import Format, SourceFile


@cache
def import_formats() -> dict[str, Format]:
    """Every format by its name, sorted."""
    found = {}
    for module_info in pkgutil.iter_modules(formats.__path__):
        module = importlib.import_module(f"{formats.__name__}.{module_info.name}")
        for value in vars(module).values():
            if isinstance(value, type) and issubclass(value, Format) and value.__module__ == module.__name__:
                found[value.name] = value()
    return dict(sorted(found.items()))


def format_of(files: Sequence[SourceFile]) -> Format:
    """The format of these files. Raises DocumentError when one of them is of none, or they are of several."""
    chosen: Format | None = None
    for file in files:
        fits = [kind for kind in import_formats().values() if kind.recognises(file)]
        if not fits:
            known = ", ".join(f"{kind.name} ({kind.title})" for kind in import_formats().values())
            raise DocumentError([Problem("no known format", file.name, hint=f"say it with --format: {known}")])
        if chosen is not None and chosen is not fits[0]:
            message = f"this is {fits[0].title}, but {files[0].name} is {chosen.title}"
            raise DocumentError([Problem(message, file.name, hint="import them one after the other")])
        chosen = fits[0]
    assert chosen is not None
    return chosen
