"""Asterisk dialplans: what callers of the flow meet is what callers of the dialplan met."""

from pathlib import Path

import pytest

from documents import DocumentError
from documents.expressions import Expression
from ivr.importing.dialplan import patterns
from ivr.importing.dialplan.expressions import condition
from ivr.importing.dialplan.operators import Scope
from ivr.importing.times import Span
from switchboard.centre import Centre
from tests.support.importing import MONDAY_NOON, call, centre_of, draft_of

OFFICE = """
    [globals]
    RING=20
    [office]
    include => extensions
    include => night,18:00-8:00,mon-fri,*,*
    exten => s,1,Answer()
     same => n,Set(TIMEOUT(digit)=2)
     same => n,Set(TRIES=0)
     same => n(again),Background(welcome&menu) ; two recordings
     same => n,WaitExten(4)
    exten => 1,1,Queue(sales,t,,,90)
     same => n,GotoIf($["${QUEUESTATUS}" = "TIMEOUT"]?full)
     same => n,Hangup()
     same => n(full),Voicemail(100@default,u)
    exten => 2,1,GotoIfTime(9:00-17:00,mon-fri,*,*?open:closed)
     same => n(open),Dial(PJSIP/+15550100@trunk,${RING})
     same => n,Goto(dial-${DIALSTATUS},1)
     same => n(closed),Playback(closed)
     same => n,Hangup()
    exten => dial-BUSY,1,Playback(busy)
    exten => _dial-.,1,Playback(nobody)
    exten => 3,1,Read(account,enter-account,6,,2,5)
     same => n,GotoIf($["${account}" = "123456"]?gold)
     same => n,SayDigits(${account})
     same => n,Gosub(bye,s,1(see-you))
     same => n(gold),Queue(gold)
    exten => 9,1,Set(CHANNEL(language)=es)
     same => n,Goto(s,again)
    exten => t,1,Set(TRIES=$[${TRIES} + 1])
     same => n,GotoIf($[${TRIES} >= 2]?1,1)
     same => n,Goto(s,again)
    exten => i,1,Playback(invalid)
     same => n,Goto(s,again)
    exten => h,1,System(/usr/local/bin/bill)
    [bye]
    exten => s,1,Playback(${ARG1})
     same => n,Hangup()
    [extensions]
    exten => _1XX,1,Dial(PJSIP/${EXTEN},15)
     same => n,Voicemail(${EXTEN}@default,u)
    [night]
    exten => 8,1,Playback(night)
    """
NIGHT = MONDAY_NOON + 10 * 3_600_000


@pytest.fixture(scope="module")
def office(tmp_path_factory: pytest.TempPathFactory) -> Centre:
    centre, _ = centre_of(tmp_path_factory.mktemp("dialplan"), "asterisk", OFFICE, "office")
    return centre


def test_keys_lead_where_the_dialplan_leads(office: Centre) -> None:
    assert call(office, "1").end == "queue sales"
    timed_out = call(office, "1", "<timeout>")
    assert (timed_out.heard, timed_out.end) == (["welcome", "menu", "vm-intro"], "mailbox 100")
    assert call(office, "2").end == "dials +15550100"
    assert call(office, "2", "<busy>").heard[-1] == "busy"
    assert call(office, "2", "<no_answer>").heard[-1] == "nobody"


def test_times_are_those_of_the_dialplan(office: Centre) -> None:
    assert call(office, "2", now_ms=NIGHT).heard[-1] == "closed"
    assert call(office, "8", now_ms=NIGHT).heard[-1] == "night"
    assert call(office, "8").heard[-3:] == ["invalid", "welcome", "menu"]


def test_silence_is_counted_by_the_dialplans_own_variables(office: Centre) -> None:
    once = call(office, "", "3")
    assert once.heard == ["welcome", "menu", "welcome", "menu", "enter-account"]
    assert call(office, "", "").end == "queue sales"


def test_digits_are_read_compared_and_said(office: Centre) -> None:
    assert call(office, "3", "123456").end == "queue gold"
    other = call(office, "3", "654321")
    assert (other.heard[-2:], other.end) == (["digits 654321", "see-you"], "hangs up normal")


def test_patterns_are_phones_and_their_own_mailboxes(office: Centre) -> None:
    direct = call(office, "142", "<timeout>")
    assert (direct.end, direct.attributes["phone"], direct.attributes["mailbox"]) == ("mailbox messages", "142", "142")


def test_another_language_is_spoken_from_then_on(office: Centre) -> None:
    assert office.library.languages == {"en", "es"}
    assert call(office, "9").heard == ["welcome", "menu"] * 2


def test_nothing_is_dropped_silently() -> None:
    draft = draft_of("asterisk", OFFICE, "office")
    (billed,) = [finding for finding in draft.of("left out") if "bill" in finding.text]
    assert "runs when the call is over" in billed.why
    assert (draft.steps.get("left out", 0), draft.steps["not reached"]) == (0, 1)
    whole = "\n".join(line for line in OFFICE.splitlines() if "=>" in line and "include" not in line)
    assert sum(draft.steps.values()) == whole.count("=>")


@pytest.mark.parametrize(
    ("step", "why"),
    [
        ("AGI(lookup.py)", "write what it looked up as a lookup node"),
        ("Directory(default)", "let callers choose from a menu"),
        ("Playback(${FILE}-${CALLERID(num)})", "known only in the call"),
        ("GotoIf($[${DB(night/on)} = 1]?night,1)", "the function DB() has no counterpart"),
        ("Set(X=${CURL(http://x)})", "the function CURL() has no counterpart"),
        ("Goto(nowhere,s,1)", "where this leads is not in the files"),
        ("Goto(s,nolabel)", "no priority 'nolabel'"),
        ("GotoIfTime(25:00-26:00,mon,*,*?1,1)", "is no time such as 9:00"),
        ("Nonsense(1)", "Nonsense has no counterpart"),
        ("Set(CDR(userfield)=x)", "CDR(userfield) is a thing of Asterisk's"),
    ],
)
def test_what_has_no_counterpart_is_named_with_its_line(step: str, why: str, tmp_path: Path) -> None:
    text = f"[a]\nexten => s,1,Background(menu)\n same => n,WaitExten()\nexten => 1,1,{step}\n same => n,Queue(q)\n"
    centre, draft = centre_of(tmp_path, "asterisk", text, "a")
    found = [finding for finding in draft.of("left out") if why in f"{finding.why} {finding.do}"]
    assert [(finding.file, finding.line) for finding in found] == [("extensions.conf", 4)], draft.findings
    assert call(centre, "1").end in ("queue q", "hangs up not imported: nowhere")


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("exten => s,1,Answer()", "stands in no context"),
        ("[a]\nexten => s\n", "is not exten => NAME,PRIORITY,APPLICATION"),
        ("[a]\nexten => s,one,Answer()\n", "'one' is no priority of 's'"),
        ("[a]\n same => n,Answer()\n", "has no extension before it"),
        ("[a](none)\nexten => s,1,Answer()\n", "there is no template 'none' above"),
        ("[a]\nhello\n", "neither a [context] nor NAME => VALUE"),
        ("[a\nexten => s,1,Answer()\n", "is no [context]"),
        ("[general]\nautofallthrough=yes\n", "no [context] with extensions"),
        ("[a]\nexten => s,1,Background(x)\n[b]\nexten => s,1,Background(x)\n", "say where with --start CONTEXT: a, b"),
    ],
)
def test_what_is_no_dialplan_is_refused_with_its_line(text: str, message: str) -> None:
    with pytest.raises(DocumentError) as refused:
        draft_of("asterisk", text)
    assert message in str(refused.value)
    assert "extensions.conf" in str(refused.value)


ASKS = "[a]\nexten => s,1,Background(m)\n"


@pytest.mark.timeout(20)
@pytest.mark.parametrize(
    "text",
    [
        pytest.param(f"{ASKS}exten => 1,1,GotoIf({'$[' * 300}1{']' * 300}?2)\n same => n,Queue(q)\n", id="nested"),
        pytest.param(f"{ASKS}exten => 1,1,GotoIf($[{'(' * 900}1{')' * 900}]?2)\n same => n,Queue(q)\n", id="brackets"),
        pytest.param(f"{ASKS}exten => 1,1,GotoIf($[{'!' * 1_500}1]?2)\n same => n,Queue(q)\n", id="operators"),
        pytest.param(f"{ASKS}exten => 1,1,GotoIf($[{'a' * 40}! : (a+)+$]?2)\n same => n,Queue(q)\n", id="slow pattern"),
        pytest.param(f"{ASKS}exten => _{'.' * 40}!,1,Queue(q)\nexten => 1,1,Goto({'a' * 80},1)\n", id="slow extension"),
        pytest.param(f"{ASKS}exten => _[z-a]X,1,Queue(q)\nexten => _[]X,1,Queue(q)\n", id="empty sets"),
        pytest.param(
            "".join(f"[c{i}]\ninclude => c{i + 1}\ninclude => c{i + 2}\n" for i in range(40))
            + "[c40]\nexten => s,1,Background(m)\nexten => 1,1,Queue(q)\n[c41]\nexten => 2,1,Queue(q)\n",
            id="includes of includes",
        ),
        pytest.param(
            "[a]\nexten => s,1,Set(A=xxxxxxxxxx)\n same => n(x),Set(A=${A}${A})\n same => n,Background(${A})\n"
            " same => n,Goto(s,x)\nexten => 1,1,Queue(q)\n",
            id="growing",
        ),
        pytest.param(f"{ASKS}exten => 1,1,Gosub(1,1)\nexten => 2,1,Goto(2,1)\nexten => 3,1,Queue(q)\n", id="endless"),
        pytest.param(f"[a]\ninclude => a\n{ASKS[4:]}exten => 1,1,Queue(q)\n", id="includes itself"),
    ],
)
def test_a_hostile_dialplan_becomes_a_centre_soon(text: str, tmp_path: Path) -> None:
    start = "c0" if text.startswith("[c0]") else "a"
    centre, _ = centre_of(tmp_path, "asterisk", text, start)
    assert call(centre).end == "asks"


def test_templates_additions_comments_and_old_spellings_are_read(tmp_path: Path) -> None:
    text = """
        [base](!)
        exten => 1,1,Queue(base) ;--
        exten => 2,1,Queue(never)
        --; exten => 3,1,Queue(after)
        [a](base)
        exten = s,1,Background,menu
        exten = s,n,WaitExten,5
        exten => 4,1,Playback(a\\;b)
        exten => 4,n+5(later),Queue(four)
        [a](+)
        exten => 5,1,Goto(4,later)
        """
    centre, _ = centre_of(tmp_path, "asterisk", text)
    ends = {key: call(centre, key).end for key in "1345"}
    assert ends == {"1": "queue base", "3": "queue after", "4": "hangs up normal", "5": "queue four"}
    assert call(centre, "2").end == "hangs up normal"  # invalid, and there is no i


def test_programs_that_only_speak_are_prompts(tmp_path: Path) -> None:
    text = """
        [a]
        exten => s,1,agi(googletts.agi,"Press 1, or wait.",en)
         same => n,WaitExten(5)
        exten => 1,1,Festival('Thank you')
         same => n,Flite("Goodbye")
        """
    centre, draft = centre_of(tmp_path, "asterisk", text)
    assert call(centre, "1").heard == ["Press 1, or wait.", "silence/1", "Thank you", "Goodbye"]
    assert [finding.kind for finding in draft.findings].count("changed") == 3


def test_where_a_variable_leads_is_a_branch_by_name(tmp_path: Path) -> None:
    text = """
        [a]
        exten => s,1,Background(menu)
        exten => 1,1,Set(KIND=${IF($["${CALLERID(num)}" = ""]?withheld:known)})
         same => n,Goto(${KIND},1)
        exten => withheld,1,Queue(withheld)
        exten => _k[n]o.,1,Queue(known)
        exten => i,1,Queue(invalid)
        """
    centre, _ = centre_of(tmp_path, "asterisk", text)
    assert call(centre, "1").end == "queue withheld"
    assert call(centre, "1", caller="+15550123").end == "queue known"
    assert call(centre, "2").end == "queue invalid"


def test_a_loop_that_asks_nobody_ends(tmp_path: Path) -> None:
    text = """
        [a]
        exten => s,1,Background(menu)
        exten => 1,1,Set(N=0)
         same => n(top),Set(N=$[${N} + 1])
         same => n,GotoIf($[${N} < 10]?top)
         same => n,Queue(q)
        exten => 2,1,Goto(2,1)
        """
    centre, draft = centre_of(tmp_path, "asterisk", text)
    assert call(centre, "2").end == "hangs up normal"
    assert any("a loop in which the caller has no part" in finding.why for finding in draft.findings)


@pytest.mark.parametrize(
    ("text", "attributes", "holds"),
    [
        ('$["${X}" = "1"]', {"X": "1"}, True),
        ('$["${X}" = ""]', {}, True),
        ('$["${X}" != "1"]', {}, True),
        ("$[${N} >= 3]", {"N": 3}, True),
        ("$[${N} < 3]", {}, True),
        ("$[${N} + 1 = 3]", {"N": 2}, True),
        ("$[!${ISNULL(${X})}]", {"X": "y"}, True),
        ("$[!(${X} = 1)]", {}, True),
        ('$["${X}" = "a" | "${X}" = "b"]', {"X": "b"}, True),
        ('$["${X}" = "a" & ${N} = 2]', {"X": "a", "N": 3}, False),
        ('$["${X}" =~ "^12"]', {"X": "123"}, True),
        ('$["${X}" : "2"]', {"X": "123"}, False),
        ("$[${LEN(${X})} = 3]", {"X": "123"}, True),
        ("${X}", {"X": "0"}, False),
        ("${X}", {"X": "yes"}, True),
        ("${IF($[${N} = 1]?1:0)}", {"N": 1}, True),
        ('$["${A}" = "known"]', {}, True),
        ("$[${A} = known & ${N} = 1]", {"N": 1}, True),
    ],
)
def test_expressions_mean_what_they_mean_in_asterisk(text: str, attributes: dict[str, object], holds: bool) -> None:
    found = condition(text, Scope({"A": "known"}, {"A"}, {"N"}))
    if isinstance(found, str):
        found = Expression(found).holds({"contact": {**attributes, "number": ""}})
    assert found is holds


@pytest.mark.parametrize(
    ("pattern", "matches", "others"),
    [
        ("_1XX", ("100", "199"), ("10", "1000", "200")),
        ("_NXX", ("200", "999"), ("100",)),
        ("_Z", ("1", "9"), ("0",)),
        ("_[135-7]X", ("10", "63"), ("20", "83")),
        ("_X.", ("12", "1234567"), ("1", "")),
        ("_X!", ("1", "12"), ("",)),
        ("_s-.", ("s-BUSY",), ("t-BUSY",)),
        ("*98", ("*98",), ("98",)),
    ],
)
def test_patterns_match_what_they_match_in_asterisk(pattern: str, matches: tuple[str], others: tuple[str]) -> None:
    assert all(patterns.matches(pattern, digits) for digits in matches)
    assert not any(patterns.matches(pattern, digits) for digits in others)


def test_patterns_are_tried_in_asterisks_order() -> None:
    tried = sorted(["_X.", "_1XX", "_!", "_NXX", "100", "_11X"], key=patterns.rank)
    assert tried == ["100", "_11X", "_1XX", "_NXX", "_X.", "_!"]


@pytest.mark.parametrize(
    ("text", "week"),
    [
        ("9:00-17:00,mon-fri,*,*", {"mon-fri": ["09:00-17:00"]}),
        ("8:30-16:59|sat&sun|*|*", {"sat-sun": ["08:30-17:00"]}),
        ("22:00-6:00,*,*,*", {"mon-sun": ["22:00-06:00"]}),
        ("*,fri-mon,*,*", {"mon": ["00:00-24:00"], "fri-sun": ["00:00-24:00"]}),
    ],
)
def test_times_of_a_week_become_opening_hours(text: str, week: dict[str, list[str]], tmp_path: Path) -> None:
    source = f"[a]\nexten => s,1,GotoIfTime({text}?2)\n same => n,Queue(yes)\n"
    _, draft = centre_of(tmp_path, "asterisk", source)
    assert list(draft.hours.values()) == [{"weekly": week}]


def test_dates_become_a_condition() -> None:
    assert Span("*,*,25-26,dec").condition() == "now.day in [25, 26] && now.month == 12"
    assert Span("9:00-12:00,mon,*,jan-mar").condition() == (
        "now.time >= '09:00' && now.time < '12:00' && now.weekday in ['monday'] && now.month in [1, 2, 3]"
    )
