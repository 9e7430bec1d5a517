import xml.etree.ElementTree as ET
from pathlib import Path

import pytest

from documents import read
from ivr.flow.diagram import diagram
from ivr.flow.document import load_flow
from ivr.flow.prompts import load_prompts
from switchboard.centre import load_centre
from tests.support.flows import flow

SVG = "{http://www.w3.org/2000/svg}"
EXAMPLES = sorted(path.parent for path in (Path(__file__).parents[3] / "examples").glob("*/centre.yaml"))

NODES = """
    ask:
      type: menu
      say: [ask]
      choices: {"1": wait, "9": ask}
      no_input: {to: bye}
      no_match: {to: bye}
    wait: {type: enqueue, queue: sales, otherwise: sorry}
    sorry: {type: play, say: [sorry], next: bye, error: bye}
    bye: {type: hangup}"""


def texts(svg: str) -> list[str]:
    return ["".join(element.itertext()) for element in ET.fromstring(svg).iter(f"{SVG}text")]


def test_every_node_is_a_box_with_its_exits() -> None:
    drawn = diagram(flow(NODES))
    ids = [group.get("id") for group in ET.fromstring(drawn).iter(f"{SVG}g")]
    assert ids == ["node-start", "node-ask", "node-wait", "node-sorry", "node-bye"]
    shown = texts(drawn)
    for text in ("ask", "menu", "1", "no_input, no_match", "queue sales", "otherwise", "next, error", "hangup"):
        assert text in shown


def test_every_exit_is_a_line_or_a_link_back() -> None:
    root = ET.fromstring(diagram(flow(NODES)))
    lines = [path for path in root.iter(f"{SVG}path") if "way" in (path.get("class") or "")]
    # start, 1, no_input with no_match, otherwise, next with error
    assert len(lines) == 5
    (link,) = root.iter(f"{SVG}a")
    assert (link.get("href"), link.text) == ("#node-ask", "↩ ask")


def test_common_ways_are_drawn_once() -> None:
    header = "on_error: sorry\noperator: {key: '0', to: wait}"
    shown = texts(diagram(flow(NODES, header=header)))
    assert shown.count("any node fails") == 1
    assert shown.count("0 at any prompt") == 1


def test_boxes_say_what_callers_hear_when_the_prompts_are_known() -> None:
    prompts = load_prompts(read("ask: {text: {en: 'Press 1.'}}\nsorry: {sounds: {en: [vm-sorry]}}"), "en")
    shown = texts(diagram(flow(NODES), prompts))
    assert "“Press 1.”" in shown
    assert "“sorry”" in shown


def test_text_that_people_wrote_is_escaped() -> None:
    source = read(
        "schema: 2\nname: <b>&\"'\nstart: a\ndescription: '</svg><script>alert(1)</script>'\n"
        'nodes: {a: {type: play, say: ["<x> \' & \\""], next: b}, b: {type: hangup, reason: "<"}}'
    )
    drawn = diagram(load_flow(source))
    assert "<script>" not in drawn
    assert any("<x>" in text for text in texts(drawn))


def test_long_text_is_cut_and_many_details_are_counted() -> None:
    says = ", ".join(f"prompt-{i}-{'x' * 50}" for i in range(9))
    shown = texts(diagram(flow(f"a: {{type: play, say: [{says}], next: b}}\nb: {{type: hangup}}")))
    assert "… and 4 more" in shown
    assert max(map(len, shown)) < 60


@pytest.mark.parametrize("directory", EXAMPLES, ids=lambda path: path.name)
def test_the_examples_can_be_drawn(directory: Path) -> None:
    centre = load_centre(directory)
    for loaded in centre.flows.values():
        root = ET.fromstring(diagram(loaded, centre.prompts))
        width, height = float(root.get("width") or 0), float(root.get("height") or 0)
        for group in root.iter(f"{SVG}g"):
            x, y = (group.get("transform") or "")[10:-1].split()
            assert 0 <= float(x) < width
            assert 0 <= float(y) < height
