"""What callers chose in the flows, node by node."""

from collections import Counter
from dataclasses import dataclass

from simulations.history.form import History
from simulations.scenario import HANG_UP, SILENCE

SILENT = frozenset({"no_input", "timeout"})
_KEYS = frozenset("0123456789*#ABCD")


@dataclass(frozen=True, slots=True)
class NodeChoices:
    """Of the callers who came to `FLOW.NODE`, how many left by which choice: keys, `silence`, `hang up`. Other exits
    (wrong keys, say) are in `others`."""

    node: str
    counts: dict[str, int]
    others: dict[str, int]

    @property
    def total(self) -> int:
        return sum(self.counts.values())

    def shares(self) -> dict[str, float]:
        """As a scenario writes them; they add up to 1."""
        found = {choice: round(count / self.total, 4) for choice, count in self.counts.items()}
        largest = max(found, key=lambda choice: found[choice])
        found[largest] = round(found[largest] + 1 - sum(found.values()), 4)
        return found


def choices_of(history: History) -> tuple[NodeChoices, ...]:
    """Of every node at which callers press keys, the most frequented first."""
    counts: dict[str, Counter[str]] = {}
    others: dict[str, Counter[str]] = {}
    flows, nodes, chosen = (history.choices[name].to_pylist() for name in ("flow", "node", "choice"))
    for flow, node, choice in zip(flows, nodes, chosen, strict=True):
        name = f"{flow}.{node}"
        if choice in SILENT:
            choice = SILENCE
        known = choice in (SILENCE, HANG_UP) or set(choice) <= _KEYS
        (counts if known else others).setdefault(name, Counter())[choice] += 1
    asking = [name for name, found in counts.items() if any(set(choice) <= _KEYS for choice in found)]
    found = [
        NodeChoices(name, dict(counts[name].most_common()), dict(others.get(name, Counter()).most_common()))
        for name in asking
    ]
    return tuple(sorted(found, key=lambda each: -each.total))
