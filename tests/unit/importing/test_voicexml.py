"""VoiceXML: what callers of the flow meet is what a browser would have let them meet."""

from pathlib import Path

import pytest

from documents import DocumentError
from documents.expressions import Expression
from ivr.importing.format import SourceFile, Wanted
from ivr.importing.registry import import_formats
from ivr.importing.voicexml.expressions import condition, expression
from tests.support.importing import call, centre_of, draft_of

HEAD = '<vxml version="2.1" xmlns="http://www.w3.org/2001/vxml">'
SHOP = """
    <vxml version="2.1" xmlns="http://www.w3.org/2001/vxml" xml:lang="en-GB">
      <var name="tries" expr="0"/>
      <property name="timeout" value="4s"/>
      <property name="interdigittimeout" value="1500ms"/>
      <menu id="main" dtmf="true">
        <prompt>Welcome. <audio src="http://shop.example/audio/choose.wav">Please choose.</audio> <enumerate/></prompt>
        <choice next="#order">orders</choice>
        <choice next="#person">a person</choice>
        <choice event="bye">nothing</choice>
        <noinput>Are you there?<reprompt/></noinput>
        <noinput count="3"><prompt>Goodbye.</prompt><exit/></noinput>
        <nomatch count="2"><goto next="#person"/></nomatch>
        <catch event="bye"><prompt>See you.</prompt><disconnect/></catch>
      </menu>
      <form id="order">
        <field name="number" type="digits?minlength=4;maxlength=6">
          <prompt bargein="false">Your order number?</prompt>
          <filled>
            <assign name="tries" expr="tries + 1"/>
            <if cond="number == '0000' &amp;&amp; tries &lt; 2">
              <prompt>Not that one.</prompt><clear namelist="number"/>
            <elseif cond="number == '9999'"/>
              <goto next="#person"/>
            <else/>
              <prompt>Order <say-as interpret-as="digits"><value expr="number"/></say-as>.</prompt>
            </if>
          </filled>
        </field>
        <field name="sure">
          <grammar mode="dtmf" src="builtin:dtmf/boolean?y=1;n=3"/>
          <prompt>Cancel it?</prompt>
          <filled><if cond="!sure"><exit/></if></filled>
        </field>
        <field name="why" cond="sure">
          <prompt>Why?</prompt>
          <option dtmf="1" value="late">too late</option>
          <option dtmf="2" value="wrong">wrong</option>
        </field>
        <subdialog name="asked" src="#thanks"><param name="who" expr="'you'"/></subdialog>
        <block><prompt>Cancelled: <value expr="why"/>.</prompt></block>
      </form>
      <form id="thanks"><block><prompt>Thank you.</prompt><return/></block></form>
      <form id="person">
        <transfer name="call" dest="tel:+15550100" bridge="true" connecttimeout="20s">
          <filled><if cond="call == 'busy'"><prompt>Busy.</prompt></if></filled>
        </transfer>
      </form>
    </vxml>
    """


@pytest.fixture(scope="module")
def shop(tmp_path_factory: pytest.TempPathFactory) -> "object":
    return centre_of(tmp_path_factory.mktemp("voicexml"), "voicexml", SHOP)[0]


MENU = ["Welcome.", "Please choose.", "For orders, press 1.", "For a person, press 2.", "For nothing, press 3."]


def test_choices_events_and_counts(shop) -> None:  # type: ignore[no-untyped-def]
    assert call(shop, "2").end == "dials +15550100"
    assert call(shop, "3").heard == [*MENU, "See you."]
    silent = call(shop, "", "", "")
    assert silent.heard == [*MENU, "Are you there?", *MENU, "Are you there?", *MENU, "Goodbye."]
    assert call(shop, "7", "8").end == "dials +15550100"


def test_a_form_goes_through_its_items_and_back_to_what_was_cleared(shop) -> None:  # type: ignore[no-untyped-def]
    done = call(shop, "1", "0000#", "1234#", "1", "2")
    assert done.heard == [
        *MENU, "Your order number?", "Not that one.", "Your order number?", "Order", "digits 1234", "Cancel it?",
        "Why?", "Thank you.", "Cancelled:", "silence/1",
    ]  # fmt: skip
    assert done.attributes["why"] == "wrong"
    assert done.attributes["who"] == "you"
    assert call(shop, "1", "1234#", "3").end == "hangs up normal"
    assert call(shop, "1", "9999#").end == "dials +15550100"


def test_how_a_transfer_went_is_in_its_variable(shop) -> None:  # type: ignore[no-untyped-def]
    assert call(shop, "2", "<busy>").heard[-1] == "Busy."
    assert call(shop, "2", "<no_answer>").heard == MENU


def test_properties_become_time_outs(shop) -> None:  # type: ignore[no-untyped-def]
    flow = shop.flows["shop" if "shop" in shop.flows else next(iter(shop.flows))]
    order = flow.written("number")
    assert (order["first_digit_s"], order["inter_digit_s"], order["barge_in"]) == (4.0, 1.5, False)
    assert (order["min_digits"], order["max_digits"]) == (4, 6)


@pytest.mark.parametrize(
    ("inside", "why"),
    [
        ('<form><field name="a"><grammar src="city.grxml"/><prompt>City?</prompt></field></form>', "of another file"),
        ('<form><field name="a"><prompt>City?</prompt></field></form>', "no grammar says what is asked for"),
        ('<form><block><submit next="http://x.example/"/></block></form>', "what a server answers with is not known"),
        ('<form><block><goto next="other.vxml"/></block></form>', "the file 'other.vxml' was not given"),
        ('<form><block><goto next="#nowhere"/></block></form>', "there is no dialog 'nowhere'"),
        ("<form><block><script>x = 1</script></block></form>", "<script> has no counterpart"),
        ('<form><block><if cond="f(x)"><exit/></if></block></form>', "calls a function"),
        ('<form><object name="o" classid="x"/></form>', "an object of one maker's browser"),
        ('<form><block><throw event="none.such"/></block></form>', "nothing here catches 'none.such'"),
        (
            '<link next="#a"><grammar>0</grammar></link><form id="a"><block>a</block></form>',
            "a link that counts everywhere",
        ),
        ('<menu><choice next="#a">speak</choice></menu><form id="a"><block>a</block></form>', "can only be said"),
        ('<form><block>a</block></form><form id="lost"><block>b</block></form>', "no caller gets here"),
    ],
)
def test_what_has_no_counterpart_is_named_with_its_line(inside: str, why: str, tmp_path: Path) -> None:
    _, draft = centre_of(tmp_path, "voicexml", f"{HEAD}\n{inside}</vxml>")
    found = [finding for finding in draft.of("left out") if why in finding.why]
    assert [(finding.file, finding.line) for finding in found] == [("menu.vxml", 2)], draft.findings


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (f"{HEAD}<form>", "menu.vxml:1: not XML: no element found"),
        ("<html><body/></html>", "<html> is not VoiceXML (the outermost element is <vxml>)"),
        (f"{HEAD}</vxml>", "there is no form and no menu"),
        (
            f'<!DOCTYPE vxml [<!ENTITY a "aaaa">]>{HEAD}<form><block>&a;</block></form></vxml>',
            "entities are not allowed",
        ),
        (f'<!DOCTYPE vxml [<!ENTITY a SYSTEM "/etc/passwd">]>{HEAD}<form/></vxml>', "entities are not allowed"),
        (HEAD + "<block>" * 300, "elements nested deeper than 200"),
        ("<?xml version='1.0' encoding='nonsense'?><vxml/>", "menu.vxml"),
    ],
)
def test_what_is_no_voicexml_is_refused(text: str, message: str) -> None:
    with pytest.raises(DocumentError) as refused:
        draft_of("voicexml", text)
    assert message in str(refused.value)


@pytest.mark.timeout(20)
@pytest.mark.parametrize(
    "inside",
    [
        pytest.param(f'<form><block><if cond="{"(" * 900}x{")" * 900}"><exit/></if></block></form>', id="brackets"),
        pytest.param(f'<form><block><if cond="{"!" * 900}x"><exit/></if></block></form>', id="operators"),
        pytest.param("<form><block>" + "<if cond='x'>" * 150 + "</if>" * 150 + "</block></form>", id="nested"),
        pytest.param('<form id="a"><subdialog name="x" src="#a"/></form>', id="calls itself"),
        pytest.param(
            '<form id="a"><block><goto next="#b"/></block></form><form id="b"><block><goto next="#a"/></block></form>',
            id="round and round",
        ),
    ],
)
def test_hostile_voicexml_becomes_a_centre_soon(inside: str, tmp_path: Path) -> None:
    centre, _ = centre_of(tmp_path, "voicexml", f"{HEAD}{inside}</vxml>")
    assert call(centre).end == "hangs up normal"


def test_a_doctype_is_never_fetched() -> None:
    text = f'<!DOCTYPE vxml PUBLIC "-//W3C//DTD VOICEXML 2.1//EN" "http://no.example/v.dtd">{HEAD}<form><block>Hi.</block></form></vxml>'
    assert [prompt["text"] for prompt in draft_of("voicexml", text).prompts.values()] == [{"en": "Hi."}]


def test_dialogs_of_several_files_lead_to_each_other(tmp_path: Path) -> None:
    one = f'{HEAD}<form><block>One.<goto next="lib/two.vxml#b"/></block></form></vxml>'
    two = f'{HEAD}<form id="a"><block>A.</block></form><form id="b"><block>B.</block></form></vxml>'
    files = [SourceFile("app/one.vxml", one.encode()), SourceFile("app/lib/two.vxml", two.encode())]
    draft = import_formats()["voicexml"].read(files, Wanted())
    assert [node["say"] for node in draft.flows["one"].nodes.values() if node["type"] == "play"] == [["one", "b"]]
    chosen = import_formats()["voicexml"].read(files, Wanted(("two.vxml#a",)))
    assert list(chosen.flows) == ["a"]


@pytest.mark.parametrize(
    ("text", "attributes", "holds"),
    [
        ("x == '1'", {"x": "1"}, True),
        ("x == 1", {"x": "1"}, True),
        ("x != 1", {}, True),
        ("count > 2 && !done", {"count": 3}, True),
        ("application.count >= 3 || x == 'b'", {"count": 1, "x": "b"}, True),
        ("done", {"done": True}, True),
        ("done == false", {"done": False}, True),
        ("x == undefined", {}, True),
        ("x != null", {"x": ""}, True),
        ("(x == 'a' ? 1 : 2) == 1", {"x": "a"}, True),
        ("x.length == 4", {"x": "1234"}, True),
        ("!(x == 'a')", {}, True),
    ],
)
def test_expressions_mean_what_they_mean_in_ecmascript(text: str, attributes: dict[str, object], holds: bool) -> None:
    assert Expression(condition(text)).holds({"contact": attributes}) is holds


def test_values_are_numbers_and_texts() -> None:
    assert Expression(expression("count + 1").cel).value({"contact": {"count": 2}}) == 3
    assert Expression(expression("'a' + x").cel).value({"contact": {"x": 2}}) == "a2"
    assert Expression(expression('"it\'s"').cel).value({}) == "it's"
