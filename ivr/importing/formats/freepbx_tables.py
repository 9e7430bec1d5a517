import re
from collections.abc import Sequence
from typing import ClassVar

from documents import DocumentError, Problem, nearest
from ivr.importing.draft import Draft
from ivr.importing.format import Format, SourceFile, Wanted
from ivr.importing.freepbx.sql_dump import SQLITE, Row, Tables, add_tables
from ivr.importing.freepbx.tables import TABLES, Pbx, shown
from ivr.importing.tidy import tidy

_MENTIONED = re.compile(rb"\b(ivr_details|ivr_entries)\b")
_IVR = re.compile(r"ivr-(\d+),")


class FreePbxTables(Format):
    """FreePBX's tables: a dump by mysqldump, CSV files named after their tables, or SQLite."""

    name: ClassVar[str] = "freepbx"
    title: ClassVar[str] = "tables of FreePBX"
    example_file: ClassVar[str] = "freepbx.sql"
    example: ClassVar[str] = """
        CREATE TABLE `ivr_details` (
          `id` int(11) NOT NULL AUTO_INCREMENT,
          `name` varchar(50) DEFAULT NULL,
          `announcement` int(11) DEFAULT NULL,
          `invalid_loops` varchar(10) DEFAULT NULL,
          `invalid_retry_recording` varchar(25) DEFAULT NULL,
          `invalid_destination` varchar(50) DEFAULT NULL,
          `timeout_time` int(11) DEFAULT NULL,
          `timeout_loops` varchar(10) DEFAULT NULL,
          `timeout_destination` varchar(50) DEFAULT NULL,
          PRIMARY KEY (`id`)
        ) ENGINE=InnoDB;
        INSERT INTO `ivr_details` VALUES (1,'Main menu',4,'2','default','ext-queues,600,1',10,'1','ext-queues,600,1');
        INSERT INTO `ivr_entries` (`ivr_id`, `selection`, `dest`) VALUES
        (1,'1','ext-queues,600,1'),(1,'2','ext-local,vmu101,1');
        INSERT INTO `recordings` (`id`, `displayname`, `filename`) VALUES (4,'Menu','custom/menu');
        INSERT INTO `queues_config` (`extension`, `descr`, `maxwait`, `dest`) VALUES ('600','Sales','120','');
        """

    def recognises(self, file: SourceFile) -> bool:
        table = re.sub(r"\.csv$", "", re.split(r"[/\\]", file.name)[-1], flags=re.IGNORECASE)
        dump = (
            file.name.lower().endswith((".sql", ".dump", ".db", ".sqlite", ".sqlite3"))
            or b"INSERT INTO" in file.content
        )
        return table in TABLES or ((dump or file.content.startswith(SQLITE)) and bool(_MENTIONED.search(file.content)))

    def read(self, files: Sequence[SourceFile], wanted: Wanted) -> Draft:
        tables, draft = Tables(), Draft(wanted.language)
        for file in files:
            add_tables(file, tables, TABLES)
        if not tables["ivr_details"]:
            hint = "export ivr_details and ivr_entries, and what they lead to"
            raise DocumentError([Problem("there is no row of ivr_details", files[0].name, hint=hint)])
        entered = _numbers(tables, draft)
        starts = wanted.starts or tuple(dict.fromkeys(entered.values())) or _roots(tables)
        reached: set[str] = set()
        for start in starts:
            number, row = _ivr(tables, start, files[0].name)
            flow = draft.flow(row["name"] or f"ivr-{number}", row["description"])
            pbx = Pbx(tables, draft, flow)
            flow.start = pbx.destination(f"ivr-{number},s,1", row)
            pbx.run()
            tidy(flow)
            reached |= {made.removeprefix("ivr-").partition(",")[0] for made in pbx.made if made.startswith("ivr-")}
            for did, ivr in entered.items():
                if ivr in (start, number):
                    draft.numbers[did] = flow.name
        _report(tables, draft, reached)
        return draft


def _numbers(tables: Tables, draft: Draft) -> dict[str, str]:
    """The IVR that each number called leads to."""
    entered: dict[str, str] = {}
    for row in tables["incoming"]:
        found = _IVR.match(row["destination"])
        if not found or not re.fullmatch(r"\+?[0-9]{2,20}", row["extension"]):
            text, why = (
                f"{row['extension']} {row['destination']}",
                "this inbound route leads to no IVR by a plain number",
            )
            draft.find("left out", row.file, row.line, text, why, "write the number into centre.yaml")
        elif row["cidnum"]:
            draft.find("left out", row.file, row.line, row["extension"], f"only for callers from {row['cidnum']}",
                       "branch on contact.number")  # fmt: skip
        else:
            entered[row["extension"]] = found[1]
    return entered


def _roots(tables: Tables) -> tuple[str, ...]:
    """The IVRs to which no other leads; all of them if there is none."""
    led_to = set()
    for rows in tables.rows.values():
        for row in rows:
            if "ivr_id" in row.cells or "timeconditions_id" in row.cells or "announcement_id" in row.cells:
                led_to |= {found[1] for cell in row.cells.values() if (found := _IVR.match(cell))}
    ids = [row["id"] for row in tables["ivr_details"]]
    return tuple(number for number in ids if number not in led_to) or tuple(ids)


def _ivr(tables: Tables, start: str, file: str) -> tuple[str, Row]:
    """An IVR by its id or its name."""
    for row in tables["ivr_details"]:
        if start in (row["id"], row["name"], f"ivr-{row['id']}"):
            return row["id"], row
    names = [row["name"] for row in tables["ivr_details"]]
    raise DocumentError([Problem(f"there is no IVR {start!r}", file, hint=nearest(start, names))])


def _report(tables: Tables, draft: Draft, reached: set[str]) -> None:
    """Counts what became of the IVRs and their entries."""
    for row in tables["ivr_details"]:
        if row["id"] in reached:
            draft.count("carried over")
        else:
            draft.count("not reached")
            text, why = f"IVR {row['name'] or row['id']}", "nothing that is imported leads to it"
            draft.find("left out", row.file, row.line, text, why, f"--start {row['id']} imports it")
    for table, row in tables.unread.items():
        why = "a table that leads callers and is not looked at"
        draft.find("left out", row.file, row.line, f"{table}: {row['leads to']}", why, "write it as a flow by hand")
    left_out = {(finding.file, finding.line, finding.text) for finding in draft.of("left out")}
    for entry in tables["ivr_entries"]:
        lost = any((entry.file, entry.line, text) in left_out for text in (entry["dest"], shown(entry)))
        draft.count("not reached" if entry["ivr_id"] not in reached else "left out" if lost else "carried over")
