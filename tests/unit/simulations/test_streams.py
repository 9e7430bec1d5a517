"""Named streams: adding one, using one more or in another order, changes no other."""

import numpy
import pytest

from simulations.distributions.exponential import Exponential
from simulations.streams import BLOCK, Streams, choose


def test_a_draw_depends_on_name_position_replication_and_seed_alone() -> None:
    positions = [0, 5, BLOCK - 1, BLOCK, 3 * BLOCK + 7]
    forwards, backwards = Streams(1, 0).uniforms("a"), Streams(1, 0).uniforms("a")
    assert [forwards[p] for p in positions] == list(reversed([backwards[p] for p in reversed(positions)]))
    others = [Streams(1, 0).uniforms("b"), Streams(1, 1).uniforms("a"), Streams(2, 0).uniforms("a")]
    assert len({stream[0] for stream in [forwards, *others]}) == 4


def test_another_stream_disturbs_nothing() -> None:
    alone, beside = Streams(3, 2), Streams(3, 2)
    assert beside.uniforms("new")[400] > 0
    patience = Exponential(mean=60)
    assert alone.draws("patience", patience)[10] == beside.draws("patience", patience)[10]


def test_two_distributions_in_one_stream_share_its_randomness() -> None:
    streams = Streams(1, 0)
    short = [streams.draws("handle time", Exponential(mean=60))[p] for p in range(50)]
    long = [streams.draws("handle time", Exponential(mean=120))[p] for p in range(50)]
    assert numpy.allclose(numpy.array(long), 2 * numpy.array(short))


def test_the_order_of_use_of_two_distributions_of_one_stream_does_not_matter() -> None:
    first, second = Streams(1, 0), Streams(1, 0)
    a, b = Exponential(mean=60), Exponential(mean=120)
    one = [(first.draws("x", a)[p], first.draws("x", b)[p]) for p in (0, 300)]
    other = [(second.draws("x", b)[p], second.draws("x", a)[p]) for p in (0, 300)]
    assert one == [(second_a, second_b) for second_b, second_a in other]


def test_choose_follows_the_shares() -> None:
    shares = {"a": 0.2, "b": 0.0, "c": 0.8}
    assert [choose(shares, u) for u in (0.0, 0.1999, 0.2, 0.9999)] == ["a", "a", "c", "c"]
    assert choose({"a": 0.1, "b": 0.9}, 0.9999999999999999) == "b"


def test_what_is_forgotten_is_gone_and_the_rest_is_as_it_was() -> None:
    kept, forgetful = Streams(1, 0), Streams(1, 0)
    for streams in (kept, forgetful):
        assert streams.uniforms("a/x")[600] == kept.uniforms("a/x")[600]
        assert streams.uniforms("b/x")[600] == kept.uniforms("b/x")[600]
    forgetful.forget("a/", 500)
    forgetful.forget("a/", 400)
    assert [forgetful.uniforms("a/x")[at] for at in (500, 600, 5_000)] == [
        kept.uniforms("a/x")[at] for at in (500, 600, 5_000)
    ]
    assert forgetful.uniforms("b/x")[0] == kept.uniforms("b/x")[0]
    with pytest.raises(IndexError, match="the draw 499 was forgotten"):
        forgetful.uniforms("a/x")[499]
