"""A what-if's answer in plain words."""

from collections.abc import Sequence

from simulations.reports.figures import count, money, signed
from simulations.statistics import Estimate
from simulations.what_if.answer import Answer, ChangeResult, Compared
from simulations.what_if.figures import CONTACTS, FIGURES, MONEY, Figure


def verdict(answer: Answer) -> list[str]:
    """What to do, and what each change does, sentence by sentence."""
    if answer.replications < 2:
        return ["One replication gives no interval, so nothing can be said of differences."]
    sentences = [_trust(answer)] if answer.actual else []
    if answer.changes:
        sentences.append(_best(answer, answer.changes, "the changes"))
    if answer.training:
        sentences.append(_best(answer, answer.training, "the trainings"))
    return sentences


def _trust(answer: Answer) -> str:
    """Whether the model is that day's: if not, its differences are not either."""
    judged = [row for row in answer.actual if row.within is not None]
    outside = [row for row in judged if not row.within]
    named = ", ".join(f"{row.metric}{f' of {row.queue}' if row.queue else ''}" for row in outside[:4])
    agrees = f"{len(judged) - len(outside)} of {len(judged)} figures of the day lie where the model of it expects them"
    if len(outside) <= max(1, len(judged) // 10):
        return f"{agrees}, so it may be trusted with changes."
    return f"Only {agrees} (not {named}{', ...' if len(outside) > 4 else ''}): take what follows with care."


def base_name(answer: Answer) -> str:
    return "the model of that day" if answer.actual else "as it is now"


def _best(answer: Answer, results: Sequence[ChangeResult], what: str) -> str:
    figure = FIGURES[answer.decide_by]
    of = figure.words + (f" of {answer.queue}" if answer.queue else "")
    best = results[0]
    compared = best.of(answer.decide_by, answer.queue)
    if all(_changes_nothing(each.of(answer.decide_by, answer.queue)) for each in results):
        return f"None of {what} makes any difference to {of}."
    if compared is None or compared.verdict != "better":
        return f"None of {what} is shown to {_verb(figure)} {of}; with more replications small gains would show."
    doubtful = [
        other.name
        for other in results[1:]
        if (rival := other.of(answer.decide_by, answer.queue)) is not None and _may_be_as_good(rival, compared)
    ]
    unit = answer.present.currency if answer.decide_by in MONEY else ""
    text = f"“{best.name}” {_verb(figure)}s {of} most: by {by(figure, compared.difference, unit)}"
    text += _price(best, answer.present.currency) if answer.decide_by not in MONEY else ""
    if doubtful:
        named = ", ".join(f"“{name}”" for name in doubtful[:3])
        text += f"; {named}{' and others' if len(doubtful) > 3 else ''} may do as much"
    return f"{text}."


def _changes_nothing(compared: Compared | None) -> bool:
    return compared is None or (compared.difference.value == 0 and not compared.difference.half_width)


def _may_be_as_good(rival: Compared, best: Compared) -> bool:
    """Whether the intervals of the two overlap."""
    a, b = rival.difference, best.difference
    if a.low is None or a.high is None or b.low is None or b.high is None:
        return True
    return a.low <= b.high and b.low <= a.high


def _verb(figure: Figure) -> str:
    return "raise" if figure.better == "more" else "lower"


def _price(result: ChangeResult, currency: str) -> str:
    cost = result.of("total_cost")
    if cost is None or cost.difference.value is None:
        return ""
    value = money(Estimate(abs(cost.difference.value)), currency)
    if cost.verdict == "unclear":
        return ", at a cost that is not shown to differ"
    return f", and costs {value} {'less' if cost.difference.value < 0 else 'more'}"


def sentence(answer: Answer, result: ChangeResult) -> str:
    """What a change does to the figure that decides."""
    figure = FIGURES[answer.decide_by]
    compared = result.of(answer.decide_by, answer.queue)
    if compared is None or compared.difference.value is None:
        return "there is nothing to compare"
    if compared.difference.half_width is None:
        return f"by {by(figure, compared.difference)}, without an interval"
    words = {"better": "better", "worse": "worse", "unclear": "not shown to differ"}[compared.verdict]
    return f"{words}: {span(figure, compared.difference)}"


def difference(figure: Figure, of: Estimate) -> str:
    """`+4.1 points ± 2.1`, as a cell has it."""
    return signed(figure.shown(of).replace(" %", " points" if of.value is not None else ""))


def by(figure: Figure, difference: Estimate, unit: str = "") -> str:
    """`4.1 points (2.0 to 6.2)`."""
    value = abs(difference.value or 0) * figure.scale
    text = f"{value:,.1f} {figure.unit or unit}".strip()
    if difference.low is None or difference.high is None or not difference.half_width:
        return text
    low, high = sorted(abs(bound) * figure.scale for bound in (difference.low, difference.high))
    return f"{text} ({low:,.1f} to {high:,.1f})"


def span(figure: Figure, difference: Estimate) -> str:
    """`+4.1 points, between +2.0 and +6.2`."""
    value, low, high = (
        signed(f"{(bound or 0) * figure.scale:,.1f}") for bound in (difference.value, difference.low, difference.high)
    )
    return f"{f'{value} {figure.unit}'.strip()}, between {low} and {high}"


def about(answer: Answer) -> str:
    head = f"{answer.scenario}; {count(answer.replications, 'replication')} with the same callers, seed {answer.seed}."
    if answer.replications < 2:
        return head
    together = f"for all {answer.together} of them together" if answer.together > 1 else "for it"
    return (
        f"{head} ± is the half-width of the {answer.confidence * 100:g} % confidence interval; that of a difference "
        f"holds {together}{' (Bonferroni)' if answer.together > 1 else ''}, figure by figure."
    )


def warnings(answer: Answer) -> list[str]:
    found = []
    if answer.ended:
        done = f"{answer.replications} of {answer.wanted} replications of every change were done"
        found.append(f"{answer.ended[:1].upper()}{answer.ended[1:]}: {done}. The figures are of those alone.")
    unfinished = answer.present.unfinished.value or 0
    if unfinished > 0:
        found.append(f"When the run ended, {unfinished:.1f} contacts on average were still waiting or talking.")
    return found


def shown_figures(answer: Answer) -> list[str]:
    """Which figures have a column of their own: those of contacts, the cost if there is one, and what decides."""
    wanted = [name for name in CONTACTS if name != "mean_wait_ms"] + ["occupancy_share"]
    wanted += ["total_cost"] * bool(answer.present.money)
    return wanted if answer.decide_by in wanted else [answer.decide_by, *wanted]
