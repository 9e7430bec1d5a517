import random
from itertools import pairwise

import pytest

from ivr.flow.layout import Box, Edge, Layout, _crossings, _Link, _spread, arrange

HEIGHT, ENTRY = 60.0, 14.0


def place(*edges: str) -> Layout:
    """A layout of edges such as `a>b`, whose boxes are all of one height."""
    pairs = [edge.split(">") for edge in edges]
    names = dict.fromkeys(name for pair in pairs for name in pair)
    return arrange(dict.fromkeys(names, HEIGHT), [Edge(a, b, 30.0) for a, b in pairs], ENTRY)


def columns(layout: Layout) -> dict[str, int]:
    return {name: box.column for name, box in layout.boxes.items() if not box.stop}


def test_a_box_stands_right_of_all_that_lead_to_it() -> None:
    assert columns(place("a>b", "b>c", "a>c", "c>d")) == {"a": 0, "b": 1, "c": 2, "d": 3}


def test_an_edge_that_closes_a_cycle_goes_back() -> None:
    layout = place("a>b", "b>c", "c>a", "c>c")
    assert [way is None for way in layout.ways] == [False, False, True, True]
    assert columns(layout) == {"a": 0, "b": 1, "c": 2}


def test_a_long_edge_has_a_stop_in_every_column_between() -> None:
    layout = place("a>b", "b>c", "c>d", "a>d")
    way = layout.ways[3]
    assert way is not None
    assert [layout.boxes[name].column for name in way] == [0, 1, 2, 3]
    assert [layout.boxes[name].stop for name in way] == [False, True, True, False]


def test_what_nothing_leads_to_stands_close_to_what_it_leads_to() -> None:
    assert columns(place("a>b", "b>c", "c>d", "mark>d"))["mark"] == 2


def test_parallel_ways_do_not_cross() -> None:
    layout = place("a>x", "a>y", "a>z", "z>z2", "x>x2", "y>y2")
    assert [name[0] for name in layout.columns[2]] == layout.columns[1]


@pytest.mark.parametrize("seed", range(20))
def test_no_two_boxes_of_a_column_overlap(seed: int) -> None:
    rng = random.Random(seed)
    names = [f"n{i}" for i in range(30)]
    edges = [Edge(rng.choice(names), rng.choice(names), rng.uniform(30, 60)) for _ in range(60)]
    heights = {name: rng.uniform(30, 200) for name in names}
    layout = arrange(heights, edges, ENTRY)
    assert sorted(name for column in layout.columns for name in column) == sorted(layout.boxes)
    for column in layout.columns:
        for above, below in pairwise(layout.boxes[name] for name in column):
            assert below.top > above.top + above.height
    for edge, way in zip(edges, layout.ways, strict=True):
        if way is not None:
            assert (way[0], way[-1]) == (edge.source, edge.target)
            assert all(layout.boxes[b].column == layout.boxes[a].column + 1 for a, b in pairwise(way))
    assert min(box.top for box in layout.boxes.values()) == 0


def test_boxes_go_where_they_are_wanted_if_there_is_room_and_share_what_room_there_is() -> None:
    boxes = {name: Box(10.0, 0.0) for name in "abc"}
    _spread(["a", "b", "c"], boxes, {"a": 0.0, "b": 100.0, "c": 300.0})
    assert [boxes[name].top for name in "abc"] == [0, 100, 300]
    _spread(["a", "b", "c"], boxes, {"a": 100.0, "b": 100.0, "c": 100.0})
    assert [boxes[name].top for name in "abc"] == [64, 100, 136]


def test_crossings_are_counted() -> None:
    boxes = {name: Box(0, 0, column) for name, column in (("a", 0), ("b", 0), ("x", 1), ("y", 1))}
    place_of = {"a": 0.0, "b": 1.0, "x": 0.0, "y": 1.0}
    assert _crossings([_Link("a", "y", 0), _Link("b", "x", 0)], place_of, boxes) == 1
    assert _crossings([_Link("a", "x", 0), _Link("b", "y", 0), _Link("a", "y", 1)], place_of, boxes) == 0
