"""Choosing an engine: what is told of it."""

import pytest

from simulations.engines import MOST_REASONS, choose
from tests.support.scenarios import setting


def notice_of(monkeypatch: pytest.MonkeyPatch, reasons: list[str]) -> str:
    monkeypatch.setattr("simulations.kernel.refusals.refusals", lambda made: reasons)
    (notice,) = choose("kernel", [setting()]).notices
    return notice.removeprefix("Simulated with SimPy, since the kernel does not support all of 'small': ")


def test_what_is_true_of_many_is_told_once(monkeypatch: pytest.MonkeyPatch) -> None:
    of_workers = [f"staff.{name}.tenure: not supported" for name in ("sellers-1", "sellers-2", "helpers-1")]
    of_groups = ["staff[0].late.by_s: not yet", "staff[1].late.by_s: not yet"]
    of_one = ["kinds.buyers.number: contacts go through a flow", "outages[1].talks: not supported"]
    said = notice_of(monkeypatch, [*of_workers, *of_groups, *of_one])
    assert said == f"staff[*].tenure: not supported; staff[*].late.by_s: not yet; {'; '.join(of_one)}."


def test_not_everything_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    said = notice_of(monkeypatch, [f"field{chr(97 + number)}: no" for number in range(20)])
    assert said.count(": no") == MOST_REASONS
    assert said.endswith(f"; and {20 - MOST_REASONS} more.")
