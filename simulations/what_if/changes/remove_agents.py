"""Without some agents."""

from typing import ClassVar

from simulations.what_if.changes.base import Change, Names
from simulations.what_if.documents import ChangeError, Documents


class RemoveAgents(Change):
    """These agents of the centre do not work."""

    name: ClassVar[str] = "remove_agents"
    example: ClassVar[str] = "{remove_agents: {agents: [dara]}}"

    agents: Names

    def apply(self, documents: Documents) -> None:
        for name in self.agents:
            entry = documents.entry_of(name)
            if entry is None:
                raise ChangeError(f"agent {name!r} does not work in this scenario anyway", field="agents")
            entry["agents"] = [other for other in entry["agents"] if other != name]
            if not entry["agents"]:
                documents.staff().remove(entry)
