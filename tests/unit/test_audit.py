"""An audit that was not made is never green."""

import subprocess
from typing import Any

import pytest

from tests import audit

GOOD = {"name": "a", "version": "1", "vulns": []}
BAD = {"name": "b", "version": "2", "vulns": [{"id": "PYSEC-1", "fix_versions": ["3"]}]}
UNKNOWN = {"name": "c", "skip_reason": "Dependency not found on PyPI"}


@pytest.mark.parametrize(
    ("packages", "verdict", "words"),
    [
        ([GOOD], audit.GOOD, "1 packages audited"),
        ([GOOD, BAD], audit.VULNERABLE, "VULNERABLE: b 2: PYSEC-1, mended in 3"),
        ([BAD, UNKNOWN], audit.VULNERABLE, "NOT AUDITED: 1 of 2"),
        ([GOOD, UNKNOWN], audit.NOT_MADE, "NOT AUDITED: 1 of 2"),
        ([], audit.NOT_MADE, "NOT AUDITED"),
    ],
)
def test_verdicts(packages: list[dict[str, Any]], verdict: int, words: str) -> None:
    found, said = audit.judged({"dependencies": packages})
    assert found == verdict
    assert words in "\n".join(said)


def test_a_service_that_is_not_reached_is_said_and_only_tolerated_when_asked(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def unreachable(*_: object, **__: object) -> subprocess.CompletedProcess[str]:
        return subprocess.CompletedProcess([], 1, "", "Could not connect to PyPI")

    monkeypatch.setattr("subprocess.run", unreachable)
    assert audit.main() == audit.NOT_MADE
    assert audit.main("--tolerate") == audit.GOOD
    assert capsys.readouterr().err.count("NOT AUDITED: pip-audit says: Could not connect") == 2
