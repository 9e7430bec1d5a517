"""`switchboard flow export`: the page has everything that callers hear and every way, and its links lead somewhere."""

import json
import re
from pathlib import Path

import pytest
from typer.testing import CliRunner

from documents import read
from ivr.flow.document import load_flow
from ivr.flow.hours import Hours, HoursEntry
from ivr.flow.library import Library
from ivr.flow.page import page
from switchboard.centre import load_centre
from switchboard.cli.flow_commands import app
from tests.support.flows import flow, library

ROOT = Path(__file__).parents[3]
EXAMPLES = sorted(path.parent for path in (ROOT / "examples").glob("*/centre.yaml"))


def export(*arguments: object) -> str:
    result = CliRunner().invoke(app, ["export", *map(str, arguments)])
    assert result.exit_code == 0, result.output
    return result.output


@pytest.mark.parametrize("directory", EXAMPLES, ids=lambda path: path.name)
def test_the_page_has_every_text_every_way_and_no_dead_link(directory: Path) -> None:
    centre = load_centre(directory)
    text = export(directory)
    anchors = re.findall(r'<a id="([^"]+)"></a>', text)
    assert len(anchors) == len(set(anchors))
    assert set(re.findall(r"\]\(#([^)]+)\)", text)) <= set(anchors)
    for flow_ in centre.flows.values():
        for name, node in flow_.nodes.items():
            section = text.split(f'<a id="{flow_.name}-{name}"></a>')[1].split("<a id=")[0]
            for exit, to in node.exits().items():
                assert f"](#{flow_.name}-{to}) |" in section, (name, exit)
            for reference in node.refers():
                if reference.kind == "prompt":
                    for spoken in centre.prompts.entries[reference.name].text.values():
                        assert spoken in section.replace("\\", "")
    for number in centre.numbers:
        assert f"| {number} |" in text
    for hours in centre.library.hours.values():
        assert all(day in text for day in hours.entry.weekly)


def test_the_data_is_that_of_the_flows(tmp_path: Path) -> None:
    directory = ROOT / "examples/bank"
    centre = load_centre(directory)
    assert export(directory, "--format", "json", "--output", tmp_path / "bank.json") == f"{tmp_path}/bank.json\n"
    data = json.loads((tmp_path / "bank.json").read_text())
    assert data["numbers"] == dict(centre.numbers)
    assert data["languages"] == list(centre.languages)
    for name, described in data["flows"].items():
        nodes = {node: each["written"] for node, each in described["nodes"].items()}
        head = {key: described[key] for key in ("start", "on_error", "operator") if described[key]}
        again = load_flow(read(json.dumps({"schema": 2, "name": name, **head, "nodes": nodes})))
        assert {node: each["leads_to"] for node, each in described["nodes"].items()} == again.exits
        assert again.exits == centre.flows[name].exits


def test_pictures_and_wrong_formats(tmp_path: Path) -> None:
    export(ROOT / "examples/helpdesk", "--format", "svg", "--output", tmp_path)
    assert (tmp_path / "main.svg").read_text().startswith("<svg")
    result = CliRunner().invoke(app, ["export", str(ROOT / "examples/helpdesk"), "--format", "pdf"])
    assert result.exit_code == 2


def test_nothing_that_people_write_is_markup() -> None:
    lib = library(
        flow(
            """
            a*b: {type: menu, say: [x], choices: {"*": "c_d", "1": c_d}, no_input: {to: c_d}, no_match: {to: c_d}}
            c_d: {type: branch, conditions: [{when: "contact.a == '1' || true", to: c_d}], otherwise: end}
            end: {type: hangup}
            """
        )
    )
    entry = HoursEntry.model_validate(
        {"weekly": {"mon-fri": ["09:00-17:00"]}, "exceptions": [{"date": "2026-12-24", "name": "<i>Eve</i>"}]}
    )
    lib = Library(lib.flows, lib.prompts, {"o|h": Hours(entry, lib.zone)}, "en", lib.languages, lib.zone)
    text = page("A & <script>", {"100": "main"}, lib)
    assert "<script>" not in text.replace("\\<script\\>", "")
    assert "| 2026-12-24 (\\<i\\>Eve\\</i\\>) | closed |" in text
    assert "| key **\\*** | [c\\_d](#main-c_d) |" in text
    assert "if `contact.a == '1' \\|\\| true`" in text
