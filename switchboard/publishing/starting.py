"""The centre with which an engine starts: that of the version in force, whatever the working copy looks like."""

from pathlib import Path

from documents import DocumentError, Problem, read, validate
from switchboard.centre import Centre, load_centre
from switchboard.centre.files import CENTRE
from switchboard.centre.model import CentreDocument
from switchboard.publishing.versions import Versions, VersionsUnavailable
from switchboard.store.database import open_store, store_url


def versions_of(path: Path) -> Versions | None:
    """The versions of the centre in this directory, of which only `centre.yaml` is read; None: not even that can be."""
    try:
        settings = validate(read((path / CENTRE).read_text(encoding="utf-8"), CENTRE), CentreDocument).settings
    except (DocumentError, OSError, UnicodeError):
        return None
    directory = Path(settings.engine.directory)
    versions = Versions(directory, path, lambda: open_store(store_url(settings.store, directory, path)))
    versions.look()
    return versions


def starting_centre(path: Path) -> tuple[Centre, Versions | None]:
    """The centre in this directory with the flows in force, and its versions. Raises DocumentError."""
    versions = versions_of(path)
    if versions is None:
        return load_centre(path), None
    try:
        return versions.load(versions.plan.in_force), versions
    except VersionsUnavailable as error:
        raise DocumentError([Problem(str(error), str(path))]) from error


def version_of(path: Path, number: int) -> Centre:
    """The centre in this directory with one published version of its flows, whether or not these go with the rest.
    Raises DocumentError."""
    versions = versions_of(path)
    if versions is None:
        return load_centre(path)
    try:
        return versions.load(number, checked=False)
    except VersionsUnavailable as error:
        raise DocumentError([Problem(str(error), str(path))]) from error


def published_versions(path: Path) -> list[Centre]:
    """The centre in this directory with each version that callers may meet now or that is pending. Raises
    DocumentError."""
    versions = versions_of(path)
    numbers = versions.plan.live() | versions.plan.pending() if versions else set()
    return [version_of(path, number) for number in sorted(numbers - {0})]
