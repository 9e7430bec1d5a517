import re
from collections.abc import Sequence
from typing import ClassVar

from documents import DocumentError, Problem, nearest
from ivr.importing.dialplan import patterns
from ivr.importing.dialplan.accounting import Account
from ivr.importing.dialplan.applications import APPLICATIONS
from ivr.importing.dialplan.places import Place
from ivr.importing.dialplan.source import Dialplan, read_dialplan
from ivr.importing.dialplan.translate import DIALLED, Translator
from ivr.importing.dialplan.variables import Variables, variables_of
from ivr.importing.draft import Draft
from ivr.importing.format import Format, SourceFile, Wanted
from ivr.importing.freepbx.destinations import NAMED_ONLY, is_freepbx, named_destination
from ivr.importing.tidy import tidy

_ASKING = frozenset({"background", "backgrounddetect", "read", "waitexten", "queue", "dial"})
_LINE = re.compile(r"^\s*(exten|same)\s*=>?\s*[^,\n]+,", re.MULTILINE)
_JUMPS = frozenset({"goto", "gotoif", "gotoiftime", "gosub", "gosubif", "macro", "execif"})


class AsteriskDialplan(Format):
    """extensions.conf: IVRs written as contexts, by hand or by FreePBX (`extensions_additional.conf`)."""

    name: ClassVar[str] = "asterisk"
    title: ClassVar[str] = "an Asterisk dialplan"
    example_file: ClassVar[str] = "extensions.conf"
    example: ClassVar[str] = """
        [office]
        exten => s,1,Answer()
         same => n(again),Background(welcome)
         same => n,WaitExten(5)
        exten => 1,1,Queue(sales,,,,120)
         same => n,Voicemail(sales@default,u)
        exten => t,1,Goto(s,again)
        exten => i,1,Playback(invalid)
         same => n,Goto(s,again)
        """

    def recognises(self, file: SourceFile) -> bool:
        return _LINE.search(file.content[:200_000].decode("latin-1")) is not None

    def read(self, files: Sequence[SourceFile], wanted: Wanted) -> Draft:
        draft = Draft(wanted.language)
        plan = read_dialplan(files, draft)
        if not plan.contexts:
            raise DocumentError([Problem("no [context] with extensions", file.name) for file in files])
        variables = variables_of(plan)
        account = Account()
        for start in wanted.starts or _starts(plan, files):
            context, _, extension = start.partition(",")
            if context not in plan.contexts:
                hint = nearest(context, plan.contexts)
                raise DocumentError([Problem(f"there is no context {context!r}", files[0].name, hint=hint)])
            _follow(plan, draft, variables, account, context, extension)
        account.report(plan, draft)
        return draft


def _follow(
    plan: Dialplan,
    draft: Draft,
    variables: Variables,
    account: Account,
    context: str,
    extension: str,
) -> None:
    """One flow, from where callers enter a context."""
    about = plan.contexts[context].comment or f"Imported from [{context}]."
    flow = draft.flow(context, about)
    flow.start = context  # so that ids leave the context's name out; the start itself is known later

    def elsewhere(named: str, exten: str) -> str | None:
        known = plan.contexts.keys() - NAMED_ONLY
        step = translator.latest
        file, line = (step.file, step.line) if step else ("", 0)
        return named_destination(draft, flow, translator.end, f"{named},{exten},1", known, file, line)

    translator = Translator(plan, draft, flow, APPLICATIONS, elsewhere, variables, account)
    if is_freepbx(plan.contexts):
        translator.by_name = NAMED_ONLY
    start = _entry(translator, Place(context, extension or "s"), asked=bool(extension))
    translator.run()
    flow.start = start
    tidy(flow)


def _entry(translator: Translator, place: Place, *, asked: bool) -> str:
    """The node that callers enter: `s`, or the extension that they dialled."""
    if asked or translator.exists(place, "s"):
        if _is_number(place.extension):
            translator.draft.numbers.setdefault(place.extension, translator.flow.name)
        return translator.to(place)
    keys = [key for key in translator.keys(place) if key.pattern or len(key.name) > 1]
    if not keys:
        message = f"[{place.context}] has no extension s and none that can be dialled"
        context = translator.plan.contexts[place.context]
        raise DocumentError([Problem(message, context.file, context.line)])
    numbers = [key.name for key in keys if not key.pattern and _is_number(key.name)]
    for number in numbers:
        translator.draft.numbers.setdefault(number, translator.flow.name)
    if len(keys) == 1 and numbers:
        return translator.to(place.at(place.context, keys[0].name))
    conditions = [
        {
            "when": f"contact.dialled.matches('^{patterns.regex(key.name)}$')"
            if key.pattern
            else f"contact.dialled == '{key.name}'",
            "to": translator.to(place.at(place.context, key.name)),
        }
        for key in keys[:50]
    ]
    for key in keys[50:]:
        step = next(iter(key.steps.values()))
        translator.find(
            "left out", step, "more than 50 numbers lead into one flow", "import it by --start CONTEXT,NUMBER"
        )
    otherwise = translator.invalid(place)
    branch = translator.flow.new_id("number-dialled")
    translator.flow.nodes[branch] = {"type": "branch", "conditions": conditions, "otherwise": otherwise}
    if not any(key.pattern for key in keys):
        return branch
    first = translator.flow.new_id("dialled")
    translator.flow.nodes[first] = {"type": "set", "attributes": {DIALLED: "contact.dialled"}, "next": branch}
    return first


def _is_number(name: str) -> bool:
    return re.fullmatch(r"\+?[0-9]{2,20}", name) is not None


def _starts(plan: Dialplan, files: Sequence[SourceFile]) -> list[str]:
    """The one context from which callers are asked something and to which nothing else leads."""
    leads: dict[str, set[str]] = {
        name: {i.context for i in context.includes} for name, context in plan.contexts.items()
    }
    asks = set()
    for context, _, _, step in plan.steps():
        if step.application.lower() in _ASKING:
            asks.add(context.name)
        if step.application.lower() in _JUMPS:
            words = set(re.findall(r"[\w.-]+", step.arguments))
            leads[context.name] |= {name for name in (*words, *(f"macro-{word}" for word in words)) if name in leads}
    led_to = {target for name, targets in leads.items() for target in targets if target != name}
    roots = [name for name in plan.contexts if name not in led_to and _reach(name, leads) & asks]
    if len(roots) == 1:
        return roots
    several = roots or [name for name in plan.contexts if _reach(name, leads) & asks] or list(plan.contexts)
    shown = ", ".join(several[:12]) + (", ..." if len(several) > 12 else "")
    message = f"callers may enter at {len(several)} contexts" if asks else "no context asks callers or connects them"
    raise DocumentError([Problem(message, files[0].name, hint=f"say where with --start CONTEXT: {shown}")])


def _reach(name: str, leads: dict[str, set[str]]) -> set[str]:
    reached, to_do = {name}, [name]
    while to_do:
        for target in leads.get(to_do.pop(), ()):
            if target not in reached:
                reached.add(target)
                to_do.append(target)
    return reached
