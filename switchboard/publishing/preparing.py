"""What is to be published, looked at before anything happens: does it hold together, do its tests pass, what is new."""

import hashlib
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import msgspec

from documents import DocumentError, differences, read
from ivr.flow import changes as in_flows
from ivr.flow.scripted import run_tests
from switchboard.centre import Centre, load_centre
from switchboard.centre.changes import centre_changes
from switchboard.centre.files import CENTRE, entry, shown
from switchboard.centre.sounds import Spoken
from switchboard.prompts import prompts_of, render
from switchboard.store.versions import content_hash


class NotFit(Exception):
    """This cannot be published; the message says why, line by line."""


@dataclass(frozen=True, slots=True)
class Prepared:
    """A directory that can be published: `changes` against the version in force, in words; `queues` to which changed
    flows lead; `besides` what of the rest of the centre (which a publication takes too) is new; `silent` prompts that
    nobody has recorded and that no voice can say, `unsaid` those that are rendered when it is published."""

    centre: Centre
    changes: list[str]
    queues: list[str]
    besides: list[str]
    warnings: list[str]
    tests: int
    unsaid: list[Spoken]
    silent: list[Spoken]

    @property
    def hash(self) -> str:
        return content_hash(self.centre.content)


def prepare(directory: Path, in_force: Centre, applied: Callable[[Centre], Centre]) -> Prepared:
    """Looks at the working copy. `applied` lays over it what supervisors have changed. Raises NotFit."""
    try:
        centre = load_centre(directory)
        besides = _besides(in_force, applied(centre))
        tests = _tests(centre)
        found = centre_changes(_as_now(in_force, directory), centre)
    except DocumentError as error:
        raise NotFit("\n".join(str(problem) for problem in error.problems)) from error
    prompts = prompts_of(centre)
    return Prepared(
        centre=centre,
        changes=[str(change) for change in found],
        queues=sorted(queues_of(found, in_force, centre)),
        besides=besides,
        warnings=[str(problem) for problem in centre.warnings],
        tests=tests,
        unsaid=[one for one in prompts if one.state == "missing"],
        silent=[one for one in prompts if one.state == "no voice"],
    )


def said(prepared: Prepared) -> Centre:
    """Renders what is missing; the centre that speaks it. Raises NotFit for what cannot be said."""
    if not prepared.unsaid:
        return prepared.centre
    done = render(prepared.centre, prepared.unsaid)
    if done.failed:
        lines = (f"prompt {one.prompt} ({one.language}) cannot be rendered: {why}" for one, why in done.failed)
        raise NotFit("\n".join(lines))
    return load_centre(prepared.centre.directory)


def content_of(centre: Centre) -> dict[str, bytes]:
    """The bytes of what is published of this centre. Raises NotFit where they are not those that were looked at."""
    content = {}
    for place, digest in centre.content.items():
        try:
            data = (centre.directory / place).read_bytes()
        except OSError as error:
            raise NotFit(f"{place}: cannot be read: {error.strerror or error}") from error
        if place == CENTRE:
            data = entry(read(data.decode("utf-8-sig"), place).data)
        if hashlib.sha256(data).hexdigest() != digest:
            raise NotFit(f"{place} has changed while it was looked at; look again")
        content[place] = data
    return content


def compared(before: Centre, after: Centre) -> list[str]:
    """What is different between two versions, in words. Raises DocumentError."""
    return [str(change) for change in centre_changes(before, after)]


def queues_of(found: Iterable[object], before: Centre, after: Centre) -> set[str]:
    """The queues to which the flows lead that these changes concern."""
    flows = {change.flow for change in found if isinstance(change, in_flows.Change) and change.flow}
    queues = set()
    for centre in (before, after):
        for flow in (centre.flows[name] for name in flows if name in centre.flows):
            queues |= {ref.name for node in flow.nodes.values() for ref in node.refers() if ref.kind == "queue"}
    return queues


def _as_now(in_force: Centre, directory: Path) -> Centre:
    """The flows in force, over the rest of the centre's files as these are now. Where nothing was published the flows
    that are in force were in files that may be others by now; then these are taken for new."""
    if in_force.published is None:
        return in_force
    return load_centre(directory, published=in_force.published, version=in_force.version, checked=False)


def _tests(centre: Centre) -> int:
    """Runs all flow tests; how many there are. Raises NotFit for those that fail."""
    failed, count = [], 0
    for path in centre.tests:
        try:
            document = read(path.read_text(encoding="utf-8"), shown(path))
        except (OSError, UnicodeError) as error:
            raise NotFit(f"{shown(path)}: cannot be read: {error}") from error
        for result in run_tests(document, centre.library, centre.numbers):
            count += 1
            failed += [f"flow test {result.name!r} fails: {problem}" for problem in result.problems]
    if failed:
        raise NotFit("\n".join(failed))
    return count


def _besides(before: Centre, after: Centre) -> list[str]:
    """Queues and agents whose documents have changed since they were loaded."""
    old, new = (_by_name(centre) for centre in (before, after))
    places = {f"{kind[:-1]} {name}" for kind in ("queues", "agents") for name in _changed(old[kind], new[kind])}
    return sorted(places)


def _by_name(centre: Centre) -> dict[str, dict[str, Any]]:
    policy = msgspec.to_builtins(centre.policy)
    return {kind: {one["name"]: one for one in policy[kind]} for kind in ("queues", "agents")}


def _changed(old: Mapping[str, Any], new: Mapping[str, Any]) -> set[str]:
    return {str(difference.path[0]) for difference in differences(dict(old), dict(new))}
