import json
from pathlib import Path

import pytest
import typer
from typer.testing import CliRunner

from switchboard.centre.secrets import check_pin
from switchboard.cli import check
from tests.support.centres import FILES, write_centre

app = typer.Typer()
check.register(app)
runner = CliRunner()


def test_a_good_centre_is_summed_up(tmp_path: Path) -> None:
    result = runner.invoke(app, ["check", str(write_centre(tmp_path))])
    assert result.exit_code == 0
    for part in ("Test centre", "Europe/Madrid", "100 → main", "billing, cards", "ana, ben", "can be used"):
        assert part in result.output


def test_problems_are_lines_that_editors_understand(tmp_path: Path) -> None:
    write_centre(tmp_path, {"queues.yaml": FILES["queues.yaml"].replace("ring_s", "ring_ms")})
    result = runner.invoke(app, ["check", str(tmp_path)])
    assert result.exit_code == 1
    assert f"{tmp_path}/queues.yaml:15: queues.billing.ring_ms: 'ring_ms' is not known here" in result.output
    assert "1 error in" in result.output
    assert "can be used" not in result.output


def test_what_an_admin_typed_is_not_taken_for_markup(tmp_path: Path) -> None:
    write_centre(tmp_path, {"agents.yaml": FILES["agents.yaml"].replace("billing: 8", "billing: '[red]8[/x]'")})
    result = runner.invoke(app, ["check", str(tmp_path)])
    assert result.exit_code == 1
    assert "not '[red]8[/x]'" in result.output


def test_warnings_leave_the_centre_usable(tmp_path: Path) -> None:
    write_centre(tmp_path, {"queues.yaml": FILES["queues.yaml"].replace("    longest_wait_s: 300\n", "")})
    result = runner.invoke(app, ["check", str(tmp_path)])
    assert result.exit_code == 0
    assert "warning: the last action never happens" in result.output


@pytest.mark.parametrize("name", ["nowhere", "."])
def test_no_centre_there(tmp_path: Path, name: str) -> None:
    result = runner.invoke(app, ["check", str(tmp_path / name)])
    assert result.exit_code == 2


def test_json_for_machines(tmp_path: Path) -> None:
    good = runner.invoke(app, ["check", "--json", str(write_centre(tmp_path / "good"))])
    found = json.loads(good.output)
    assert (good.exit_code, found["ok"], found["problems"]) == (0, True, [])
    assert found["centre"]["queues"] == ["billing", "cards"]
    bad = runner.invoke(app, ["check", "--json", str(write_centre(tmp_path / "bad", {"skills.yaml": "skills: 5"}))])
    found = json.loads(bad.output)
    assert (bad.exit_code, found["ok"], found["centre"]) == (1, False, None)
    assert found["problems"][0]["line"] == 1
    assert found["problems"][0]["path"] == "skills"


def test_secrets_are_looked_for_when_asked(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    write_centre(tmp_path)
    monkeypatch.delenv("PHONE_102", raising=False)
    monkeypatch.setenv("SWITCHBOARD_AMI_SECRET", "x")
    assert runner.invoke(app, ["check", str(tmp_path)]).exit_code == 0
    result = runner.invoke(app, ["check", "--secrets", str(tmp_path)])
    assert result.exit_code == 1
    assert "agents.ben.phone.password: the environment variable PHONE_102 is not set" in result.output
    monkeypatch.setenv("PHONE_102", "x")
    assert runner.invoke(app, ["check", "--secrets", str(tmp_path)]).exit_code == 0


def test_a_pin_is_hashed_without_standing_on_the_command_line() -> None:
    result = runner.invoke(app, ["pin", "hash"], input="2468\n2468\n")
    assert result.exit_code == 0
    assert check_pin("2468", result.output.split()[-1])
    assert runner.invoke(app, ["pin", "hash"], input="12\n12\n").exit_code == 2
