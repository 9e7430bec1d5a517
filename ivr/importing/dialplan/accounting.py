"""What became of every step of a dialplan, so that nothing is dropped silently."""

from dataclasses import dataclass, field

from ivr.importing.dialplan.source import Context, Dialplan, Step
from ivr.importing.draft import Draft

_ORDER = ("without effect", "to do", "carried over", "changed", "left out")
SPECIAL = {
    "h": "runs when the call is over, where no flow goes on",
    "o": "the key 0 in a voicemail box; it is not asked for here",
    "a": "the key * in a voicemail box; it is not asked for here",
    "T": "the end of TIMEOUT(absolute)",
    "fax": "a call from a fax machine",
}
"""Extensions that Asterisk goes to by itself, where flows do not follow, and why not."""


@dataclass(slots=True)
class Account:
    """`became` is the worst that became of each step, by file and line; `reached` are the contexts that callers come
    to."""

    became: dict[tuple[str, int], str] = field(default_factory=dict)
    reached: set[str] = field(default_factory=set)

    def note(self, step: Step, what: str) -> None:
        key = (step.file, step.line)
        if key not in self.became or _ORDER.index(what) > _ORDER.index(self.became[key]):
            self.became[key] = what

    def report(self, plan: Dialplan, draft: Draft) -> None:
        """Counts what became of each step, and names what nobody reaches, and what is included but not here."""
        for context in plan.contexts.values():
            self._report(context, draft)
        for name in sorted(self.reached & plan.contexts.keys()):
            for include in plan.contexts[name].includes:
                if include.context not in plan.contexts:
                    text, why = f"include => {include.context}", f"there is no [{include.context}] in the files"
                    do = "where there is one elsewhere, import it together with the others"
                    draft.find("to do", include.file, include.line, text, why, do)

    def _report(self, context: Context, draft: Draft) -> None:
        steps = [(name, step) for name, extension in context.extensions.items() for step in extension.steps.values()]
        lost = [(name, step) for name, step in steps if (step.file, step.line) not in self.became]
        for _, step in steps:
            became = self.became.get((step.file, step.line), "not reached")
            draft.count("carried over" if became == "to do" else became)
        unread = not steps and bool(context.includes) and context.name not in self.reached
        if unread or (lost and len(lost) == len(steps)):
            why = f"no caller gets here from where the flow begins ({len(steps)} steps)"
            do = f"--start {context.name} imports it"
            draft.find("left out", context.file, context.line, f"[{context.name}]", why, do)
            return
        for name in dict.fromkeys(name for name, _ in lost):
            first = next(step for other, step in lost if other == name)
            special = SPECIAL.get(name) if context.name in self.reached else None
            why = special or "no caller gets here from where the flow begins"
            draft.find("left out", first.file, first.line, first.text, why)
