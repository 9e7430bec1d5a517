"""A small, complete centre as text, for tests that change one thing in it."""

from pathlib import Path

FILES = {
    "centre.yaml": """\
name: Test centre
time_zone: Europe/Madrid
languages: [en, es]
numbers:
  "100": main
settings:
  lookup: {allow: [crm.example]}
""",
    "skills.yaml": """\
skills:
  en: English
  es: Spanish
  billing: Bills
  cards: Cards
""",
    "agents.yaml": """\
pause_reasons: [lunch]
agents:
  ana:
    team: first
    skills: {en: 5, es: 9, billing: 8}
    extension: "101"
    phone: {contact: "sip:101@10.0.0.7"}
  ben:
    skills: {en: 9, billing: 3, cards: 6}
    queues: [cards]
    extension: "102"
    phone: {password: {secret_env: PHONE_102}}
""",
    "queues.yaml": """\
contact_ranking: [priority, age]
queues:
  billing:
    goal: {answered_within_s: 20, share: 0.8, short_abandon_s: 5}
    skills: {billing: 3}
    steps:
      - name: specialists
        skills: {billing: 7, contact.language: 5}
        until: {after_s: 30, none_logged_in: true}
      - name: anyone who can
        combine: add
        where: "agent.team != 'trainees'"
    longest_wait_s: 300
    last_action: {queue: cards}
    ring_s: 15
    wrap_up_s: 20
    priority: {base: 0, per_minute: 1, cap: 10}
    agent_ranking: [preferred_agent, best_fit, longest_idle]
  cards:
    goal: {answered_within_s: 40, share: 0.9}
    steps:
      - name: all
        skills: {cards: 4}
    longest_wait_s: 120.5
    last_action: {exit: nobody}
""",
    "hours.yaml": """\
hours:
  office:
    weekly:
      mon-fri: ["09:00-17:00"]
""",
    "prompts.yaml": """\
prompts:
  menu:
    text: {en: Press 1 or 2., es: Pulse 1 o 2.}
  sorry:
    text: {en: Sorry., es: Lo siento.}
    sounds:
      en: ["centre:sorry"]
      es: [vm-sorry]
""",
    "flows/main.yaml": """\
schema: 2
name: main
start: menu
on_error: to-billing
nodes:
  menu:
    type: menu
    say: [menu]
    choices: {"1": open, "2": to-cards}
    no_input: {to: to-billing}
    no_match: {to: to-billing}
  open:
    type: hours
    hours: office
    open: to-billing
    closed: sorry
  to-billing:
    type: enqueue
    queue: billing
    otherwise: sorry
  to-cards:
    type: enqueue
    queue: cards
    exits: {nobody: sorry}
    otherwise: sorry
  sorry: {type: play, say: [sorry], next: end}
  end: {type: hangup}
""",
}

SILENCE = (
    b"RIFF" + (36 + 1600).to_bytes(4, "little") + b"WAVEfmt " + (16).to_bytes(4, "little") + (1).to_bytes(2, "little")
    + (1).to_bytes(2, "little") + (8000).to_bytes(4, "little") + (16000).to_bytes(4, "little")
    + (2).to_bytes(2, "little") + (16).to_bytes(2, "little") + b"data" + (1600).to_bytes(4, "little") + bytes(1600)
)  # fmt: skip
"""A tenth of a second of nothing, as Asterisk plays it."""


def write_centre(directory: Path, changes: dict[str, str | bytes | None] | None = None) -> Path:
    """Writes the centre into `directory`, with these files instead (None: without the file)."""
    files: dict[str, str | bytes | None] = {**FILES, "sounds/en/sorry.wav": SILENCE, **(changes or {})}
    for name, content in files.items():
        if content is not None:
            path = directory / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(content.encode() if isinstance(content, str) else content)
    return directory
