"""The pictures of a calibration: names stay text, whatever stands in them."""

from simulations.history.agent_speed import AgentSpeed
from simulations.history.pictures import speeds


def test_an_agent_may_have_any_name() -> None:
    """`$` begins no formula (one that cannot be read ended the command), and `<` no element."""
    names = ["$\\foo$", "$x^2$", "<b>Ana</b>", "José"]
    svg = speeds({name: AgentSpeed(20, 180.0, 1.1, 0.05, 1.05) for name in names})
    for shown in ("$\\foo$", "$x^2$", "&lt;b&gt;Ana&lt;/b&gt;", "José"):
        assert f">{shown}</text>" in svg
