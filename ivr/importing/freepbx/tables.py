"""FreePBX's tables as flows: one flow for each IVR that callers enter, with all that its destinations lead to."""

import re
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from ivr.importing.draft import Draft, FlowDraft
from ivr.importing.freepbx.destinations import named_destination, split_destination
from ivr.importing.freepbx.sql_dump import Row, Tables
from ivr.importing.times import Span, WrongTime, add_hours

TABLES = frozenset(
    {
        "announcement",
        "daynight",
        "incoming",
        "ivr_details",
        "ivr_entries",
        "language",
        "languages",
        "miscdests",
        "queues_config",
        "recordings",
        "ringgroups",
        "timeconditions",
        "timegroups_details",
    }
)
_RECORDINGS = {"default": "no-valid-responce-pls-try-again", "": "", "0": ""}
_LAST = "no-valid-responce-transfering"
_AGAIN = "no-valid-responce-pls-try-again"
_MOST_RETRIES = 10


@dataclass(slots=True)
class Pbx:
    """One flow in the making, from the tables."""

    tables: Tables
    draft: Draft
    flow: FlowDraft
    made: dict[str, str] = field(default_factory=dict)
    to_do: list[Callable[[], None]] = field(default_factory=list)

    def run(self) -> None:
        while self.to_do:
            self.to_do.pop(0)()

    def end(self, reason: str = "normal") -> str:
        if f"end {reason}" not in self.made:
            name = self.flow.new_id("end" if reason == "normal" else reason)
            self.flow.nodes[name] = {"type": "hangup"} | ({} if reason == "normal" else {"reason": reason[:80]})
            self.made[f"end {reason}"] = name
        return self.made[f"end {reason}"]

    def destination(self, destination: str, row: Row) -> str:
        """The node for `ext-queues,600,1` and the like."""
        if not destination:
            self.draft.find("left out", row.file, row.line, shown(row), "no destination; the call ends there")
            return self.end()
        context, extension = split_destination(destination)
        key = f"{context},{extension}"
        if key in self.made:
            return self.made[key]
        for pattern, make in _MAKERS:
            if (found := re.fullmatch(pattern, context)) is not None:
                number = found[1] if found.groups() else extension
                made = make(self, number, key)
                if made is not None:
                    return made
        known = named_destination(self.draft, self.flow, self.end, destination, (), row.file, row.line)
        assert known is not None
        self.made.setdefault(key, known)
        return known

    def node(self, key: str, wanted: str, build: Callable[[], dict[str, Any]]) -> str:
        """A node that is built when it is its turn; its id is known at once."""
        name = self.made[key] = self.flow.new_id(wanted)

        def put() -> None:
            self.flow.nodes[name] = build()

        self.to_do.append(put)
        return name

    def recording(self, number: str, row: Row) -> list[str]:
        """The prompts of a recording by its id; `default` is FreePBX's own."""
        if number in _RECORDINGS:
            return [self.draft.sound(_RECORDINGS[number], row.file, row.line)] if _RECORDINGS[number] else []
        found = self.tables.by("recordings", "id").get(number)
        if found is None:
            why = f"recording {number} is not in the tables"
            self.draft.find("left out", row.file, row.line, shown(row), why, "export `recordings` too")
            return [self.draft.sound(f"custom/recording-{number}", row.file, row.line)]
        files = [file for file in found["filename"].split("&") if file]
        return [self.draft.sound(file, found.file, found.line) for file in files]

    # What destinations are made of

    def ivr(self, number: str, key: str) -> str | None:
        details = self.tables.by("ivr_details", "id").get(number)
        if details is None:
            return None
        return self.node(key, details["name"] or f"ivr-{number}", lambda: self._menu(number, details))

    def _menu(self, number: str, details: Row) -> dict[str, Any]:
        said = self.recording(details["announcement"], details)
        choices: dict[str, str] = {}
        invalid = timeout = ""
        for entry in self.tables["ivr_entries"]:
            if entry["ivr_id"] != number:
                continue
            key = entry["selection"].strip()
            to = self.destination(entry["dest"], entry)
            if re.fullmatch(r"[0-9A-D*#]{1,10}", key):
                choices[key] = to
            elif key == "i":
                invalid = to
            elif key == "t":
                timeout = to
            else:
                why = "a pattern cannot be a choice"
                self.draft.find("left out", entry.file, entry.line, shown(entry), why, "collect digits and branch")
            if entry["ivr_ret"] not in ("", "0"):
                self.draft.find("changed", entry.file, entry.line, shown(entry), "it does not return to this IVR")
        self._not_carried(details)
        seconds = details["timeout_time"]
        no_input = self._tries("timeout", details, timeout)
        no_match = self._tries("invalid", details, invalid)
        asking = {"no_input": no_input, "no_match": no_match,
                  "first_digit_s": min(max(float(seconds), 0.5), 60.0) if seconds.isdecimal() else 10.0}  # fmt: skip
        said = said or [self.draft.silence()]
        if not choices:
            why = "an IVR without choices"
            self.draft.find("changed", details.file, details.line, shown(details), why, "it plays, and goes on")
            return {"type": "play", "say": said, "next": no_input["to"]}
        return {"type": "menu", "say": said, "choices": choices, **asking}

    def _tries(self, what: str, details: Row, entry: str) -> dict[str, Any]:
        """What silence (`timeout`) or a wrong key (`invalid`) leads to."""
        loops = details[f"{what}_loops"]
        disabled = loops in ("disabled", "")
        retries = 0 if disabled else min(int(loops), _MOST_RETRIES) if loops.isdecimal() else 0
        to = entry
        if not to:
            to = (
                self.destination(details[f"{what}_destination"], details)
                if details[f"{what}_destination"]
                else self.end()
            )
        tries: dict[str, Any] = {"retries": retries}
        if retries and (again := self._again(details[f"{what}_retry_recording"], _AGAIN, details)):
            tries["say"] = again
        last = self._again(details[f"{what}_recording"], _LAST, details)
        if last and not disabled:
            key = f"last {last} {to}"
            to = self.made.get(key) or self.node(key, f"{details['name']}-{what}", _played(last, to))
        return {**tries, "to": to}

    def _again(self, recording: str, default: str, row: Row) -> list[str]:
        if recording == "default":
            return [self.draft.sound(default, row.file, row.line)]
        return self.recording(recording, row) if recording not in ("", "0") else []

    def _not_carried(self, details: Row) -> None:
        left_out = {
            "directdial": ("phones cannot be dialled from the menu", "collect digits and branch"),
            "alertinfo": ("Alert-Info is a thing of the phones", ""),
            "retvm": ("it does not return from voicemail", ""),
        }
        for column, (why, do) in left_out.items():
            if details[column] not in ("", "0", "Disabled", "disabled", "CHECKED_OFF"):
                text = f"ivr_details {details['id']}: {column} = {details[column]}"
                self.draft.find("left out", details.file, details.line, text, why, do)

    def announcement(self, number: str, key: str) -> str | None:
        row = self.tables.by("announcement", "announcement_id").get(number)
        if row is None:
            return None
        if row["repeat_msg"] not in ("", "0"):
            self.draft.find(
                "left out", row.file, row.line, shown(row), f"the key {row['repeat_msg']} does not repeat it"
            )
        said = self.recording(row["recording_id"], row) or [self.draft.silence()]

        def build() -> dict[str, Any]:
            return {"type": "play", "say": said, "next": self.destination(row["post_dest"], row)}

        return self.node(key, row["description"] or f"announcement-{number}", build)

    def time_condition(self, number: str, key: str) -> str | None:
        row = self.tables.by("timeconditions", "timeconditions_id").get(number)
        if row is None:
            return None
        return self.node(key, row["displayname"] or f"time-{number}", lambda: self._by_time(row))

    def _by_time(self, row: Row) -> dict[str, Any]:
        yes, no = self.destination(row["truegoto"], row), self.destination(row["falsegoto"], row)
        spans = []
        for detail in self.tables["timegroups_details"]:
            if detail["timegroupid"] == row["time"]:
                try:
                    spans.append(Span(detail["time"]))
                except WrongTime as error:
                    self.draft.find("left out", detail.file, detail.line, detail["time"], f"{error}")
        if not spans:
            why = f"time group {row['time']} has no times here: it counts as open"
            self.draft.find("changed", row.file, row.line, shown(row), why, "export `timegroups_details` too")
            return {"type": "branch", "conditions": [{"when": "true", "to": yes}], "otherwise": no}
        hours = add_hours(self.draft, row["displayname"] or f"hours-{row['time']}", spans)
        if hours is not None:
            return {"type": "hours", "hours": hours, "open": yes, "closed": no}
        conditions = [{"when": span.condition(), "to": yes} for span in spans[:50]]
        return {"type": "branch", "conditions": conditions, "otherwise": no}

    def queue(self, number: str, key: str) -> str | None:
        row = self.tables.by("queues_config", "extension").get(number)
        if row is None:
            return None
        wait = row["maxwait"]
        made = self.draft.queue(row["descr"] or number, float(wait) if wait.isdecimal() and int(wait) else 3_600)
        self.draft.find("to do", row.file, row.line, shown(row), f"its members are not carried over: queue {made!r}",
                        "agents.yaml, and its goal in queues.yaml")  # fmt: skip
        return self._waiting(key, made, row, row["dest"])

    def ring_group(self, number: str, key: str) -> str | None:
        row = self.tables.by("ringgroups", "grpnum").get(number)
        if row is None:
            return None
        ring = row["grptime"]
        made = self.draft.queue(
            row["description"] or f"group-{number}", float(ring) if ring.isdecimal() and int(ring) else 60
        )
        why = f"the ring group {row['grplist']} is the queue {made!r}"
        self.draft.find("changed", row.file, row.line, shown(row), why,
                        "name its members in agents.yaml")  # fmt: skip
        return self._waiting(key, made, row, row["postdest"])

    def _waiting(self, key: str, queue: str, row: Row, dest: str) -> str:
        def build() -> dict[str, Any]:
            behind = self.destination(dest, row) if dest else self.end()
            return {"type": "enqueue", "queue": queue, "exits": {"timeout": behind}, "otherwise": behind}

        return self.node(key, queue, build)

    def misc(self, number: str, key: str) -> str | None:
        row = self.tables.by("miscdests", "id").get(number)
        if row is None or not re.fullmatch(r"\+?[0-9]{5,20}", row["destdial"]):
            return None
        self.draft.find("to do", row.file, row.line, shown(row), f"outside number {row['destdial']}",
                        "allow it in settings.outbound of centre.yaml, with a trunk")  # fmt: skip
        node = {"type": "dial", "number": f"'{row['destdial']}'", "otherwise": self.end()}
        return self.node(key, row["description"] or f"dial-{number}", lambda: node)

    def day_night(self, number: str, key: str) -> str | None:
        rows = {row["dmode"]: row for row in self.tables["daynight"] if row["ext"] == number}
        if "day" not in rows:
            return None
        row = rows["day"]
        why = "the switch is not carried over: callers go where it leads by day"
        self.draft.find("changed", row.file, row.line, shown(row), why, "use opening hours with their emergency switch")
        if "night" in rows:
            night = rows["night"]
            self.draft.find("left out", night.file, night.line, shown(night), "where the switch leads by night")
        return self.destination(row["dest"], row)

    def language(self, number: str, key: str) -> str | None:
        row = self.tables.by("language", "language_id").get(number) or self.tables.by("languages", "language_id").get(
            number
        )
        if row is None or not re.fullmatch(r"[a-z]{2,3}([-_][A-Za-z0-9]{2,8})*", row["lang_code"]):
            return None
        tag = row["lang_code"].replace("_", "-")
        self.draft.speaks(tag)
        return self.node(
            key,
            f"language-{tag}",
            lambda: {"type": "language", "language": tag, "next": self.destination(row["dest"], row)},
        )


_MAKERS: tuple[tuple[str, Callable[[Pbx, str, str], str | None]], ...] = (
    (r"ivr-(\d+)", Pbx.ivr),
    (r"app-announcement-(\d+)", Pbx.announcement),
    (r"timeconditions", Pbx.time_condition),
    (r"ext-queues", Pbx.queue),
    (r"ext-group", Pbx.ring_group),
    (r"ext-miscdests", Pbx.misc),
    (r"app-daynight", Pbx.day_night),
    (r"app-languages", Pbx.language),
)


def _played(said: list[str], to: str) -> Callable[[], dict[str, Any]]:
    return lambda: {"type": "play", "say": said, "next": to}


def shown(row: Row) -> str:
    """The row in words."""
    return ", ".join(f"{name}={value}" for name, value in row.cells.items() if value)
