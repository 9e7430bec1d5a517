"""Studies on a real Dask cluster of worker processes: the same results as here, whatever dies on the way."""

import re
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
import typer
import yaml
from typer.testing import CliRunner

from documents import DocumentError
from simulations.cluster import Cluster
from simulations.places import Here, PlaceLost
from simulations.replications import Study, replicate, run_studies, run_study
from simulations.setting import Setting
from switchboard.cli import simulate, what_if
from tests.support.dask_cluster import DaskCluster, dask_cluster
from tests.support.scenarios import changed, setting
from tests.unit.simulations.test_flows import setting as with_flow

pytestmark = pytest.mark.xdist_group("dask")
MANY = {"replications": 120}


@pytest.fixture(scope="module")
def cluster() -> Iterator[DaskCluster]:
    with dask_cluster(workers=3) as running:
        yield running


def after(done: int, act: Callable[[], None]) -> Callable[[int], None]:
    """A progress function that acts when so many replications are done."""

    def progress(count: int) -> None:
        if count == done:
            act()

    return progress


def test_a_sweep_of_scenarios_has_the_results_of_a_local_run_though_a_worker_is_killed(cluster: DaskCluster) -> None:
    sweep = [setting({"replications": 40, "staff.0.count": count}) for count in (1, 2, 3)]
    killed = after(10, lambda: cluster.kill(cluster.workers[0]))
    there = run_studies(sweep, Cluster(cluster.address), killed)
    here = run_studies(sweep, Here())
    assert cluster.workers[0].poll() is not None
    assert [study.outcomes for study in there] == [study.outcomes for study in here]
    assert all(study.complete and study.ended == "" for study in there)


def test_an_error_of_a_replication_comes_back_as_it_is(cluster: DaskCluster) -> None:
    broken = with_flow({"kinds.callers.choices": {}, "replications": 2})
    with pytest.raises(DocumentError, match=r"s.yaml: kinds.callers.choices: .*main.menu"):
        run_study(broken, place=Cluster(cluster.address))


def test_other_code_at_the_workers_is_refused(cluster: DaskCluster, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("simulations.cluster.fingerprint", lambda: "code 0123, Python 3.0, NumPy 0.1")
    study = run_study(setting(), place=Cluster(cluster.address))
    assert study.outcomes == []
    assert "runs other code: there it is code" in study.ended
    assert "here code 0123" in study.ended


def test_ctrl_c_ends_what_runs_there_and_keeps_what_is_done(cluster: DaskCluster) -> None:
    def interrupt(count: int) -> None:
        if count == 5:
            raise KeyboardInterrupt

    study = run_study(setting(MANY), progress=interrupt, place=Cluster(cluster.address))
    assert (len(study.outcomes), study.ended) == (5, "interrupted")
    assert study.outcomes == [replicate(setting(), number) for number in range(5)]


def test_the_command_prints_the_same_with_and_without_a_cluster(cluster: DaskCluster, tmp_path: Path) -> None:
    (tmp_path / "s.yaml").write_text(yaml.safe_dump(changed({})))
    app = typer.Typer()
    simulate.register(app)
    arguments = [str(tmp_path / "s.yaml"), "--json", "--out"]
    here = CliRunner().invoke(app, [*arguments, str(tmp_path / "here"), "--jobs", "1"])
    there = CliRunner().invoke(app, [*arguments, str(tmp_path / "there"), "--cluster", cluster.address])
    assert here.exit_code == there.exit_code == 0
    assert there.stdout == here.stdout
    assert (tmp_path / "there/metrics.csv").read_text() == (tmp_path / "here/metrics.csv").read_text()


def test_a_what_if_has_the_same_answer_on_the_cluster(cluster: DaskCluster, tmp_path: Path) -> None:
    (tmp_path / "s.yaml").write_text(yaml.safe_dump(changed({})))
    steps = {name: [{"add_agents": {"group": name, "count": 1}}] for name in ("sellers", "helpers")}
    plan = {"name": "p", "scenario": "s.yaml", "replications": 3, "changes": steps, "cross_training": {}}
    (tmp_path / "plan.yaml").write_text(yaml.safe_dump(plan))
    app = typer.Typer()
    what_if.register(app)
    arguments = [str(tmp_path / "plan.yaml"), "--json", "--out"]
    here = CliRunner().invoke(app, [*arguments, str(tmp_path / "here"), "--jobs", "1"])
    there = CliRunner().invoke(app, [*arguments, str(tmp_path / "there"), "--cluster", cluster.address])
    assert here.exit_code == there.exit_code == 0
    assert there.stdout == here.stdout


@pytest.mark.parametrize("dies", ["scheduler", "all workers"])
def test_a_cluster_that_dies_leaves_what_is_done_and_says_so(dies: str, tmp_path: Path) -> None:
    (tmp_path / "s.yaml").write_text(yaml.safe_dump(changed(MANY)))
    app = typer.Typer()
    simulate.register(app)
    with dask_cluster(workers=1) as doomed, pytest.MonkeyPatch.context() as patched:

        def die() -> None:
            assert doomed.scheduler is not None
            doomed.kill(doomed.scheduler if dies == "scheduler" else doomed.workers[0])

        _lost_soon(patched, after(6, die))
        arguments = [str(tmp_path / "s.yaml"), "--out", str(tmp_path / "out"), "--cluster", doomed.address]
        result = CliRunner().invoke(app, arguments)
    expected = "scheduler of the cluster at .* is gone" if dies == "scheduler" else "has lost all its workers"
    assert result.exit_code == 3
    assert re.search(rf"{expected}: \d+ of 120 replications were done; the figures are of those", result.stderr)
    assert re.search(f"(?i){expected}: ", (tmp_path / "out/report.html").read_text())


@pytest.mark.parametrize(
    ("address", "told"),
    [
        ("tcp://127.0.0.1:9", "there is no Dask scheduler at tcp://127.0.0.1:9: "),
        ("nonsense", "'nonsense' is no address of a Dask scheduler: .*write one such as tcp://"),
        ("http://127.0.0.1:9", "'http://127.0.0.1:9' is no address of a Dask scheduler: .*write one such as tcp://"),
    ],
)
def test_no_cluster_is_told_at_once(address: str, told: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("simulations.cluster.CONNECT_S", 1)
    with pytest.raises(PlaceLost, match=told):
        next(Cluster(address).results(replicate, [setting()], [(0, 0)]))


def _lost_soon(patched: pytest.MonkeyPatch, progress: Callable[[int], None]) -> None:
    """The command with this as its progress, and with little patience for a cluster without workers."""

    def run(small: Setting, place: Cluster, engine: str) -> Study:
        return run_study(small, progress=progress, place=Cluster(place.address, without_workers_s=1))

    patched.setattr(simulate, "_run", run)
