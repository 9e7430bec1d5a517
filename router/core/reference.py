"""The page docs/reference/strategies.md, made from the keys themselves."""

from inspect import cleandoc

from router.core.strategies import Key, registry

_HEAD = """\
# Ranking keys

<!-- Generated from router/core/strategies by `python -m switchboard.reference`; do not edit. -->

Who may take a contact is for a step's conditions to say; a ranking says who goes first of those. It is a list of keys:
the second decides where the first is equal, and so on. Every key gives a number, and the smaller goes first.
`agent_ranking` (of a queue, or of a step while it lasts) compares the agents who are free for a contact.
`contact_ranking` (of the centre) compares the waiting contacts, of all queues, that an agent who becomes free may take.

What the whole list leaves equal is decided among agents by their order in the policy, and among contacts by the
earlier arrival time, then the earlier arrival.
"""


def strategies_page() -> str:
    """The whole page as Markdown."""
    parts = [_HEAD]
    for side, title in (("agent", "Of agents"), ("contact", "Of contacts")):
        parts.append(f"## {title}\n")
        parts += [_section(key, side) for key in registry().values() if side in key.sides]
    return "\n".join(parts)


def _section(key: type[Key], side: str) -> str:
    lines = [f"### {key.name}", ""]
    if key.sides[0] != side:
        lines += [f"As among {key.sides[0]}s, above: `contact_ranking: [{key.name}, age]`.", ""]
        return "\n".join(lines)
    lines += [cleandoc(key.__doc__ or ""), ""]
    for name, field in key.Parameters.model_fields.items():
        lines += [f"Parameter `{name}` (default {field.default}): {field.description}", ""]
    lines += ["```yaml", key.example, "```", ""]
    return "\n".join(lines)
