"""The figures hold what was measured."""

from regimax.bench import plot


def test_every_width_is_drawn_with_its_worst_repetition_and_the_knee(found):
    figure = plot.rates(found)
    line, ring, sweep = figure.data
    assert list(line.x) == [8, 16, 32]
    assert list(line.y) == [300.0, 570.0, 588.0]
    assert [round(down, 6) for down in line.error_y.arrayminus] == [30.0, 57.0, 58.8]
    assert (list(ring.x), list(ring.y)) == ([16], [570.0])
    assert list(sweep.x) == [64]
    assert list(figure.layout.xaxis.tickvals) == [8, 16, 32, 64]


def test_scaling_is_drawn_where_there_is_more_than_one_device(found):
    figure = plot.scaling(found)
    assert figure is not None
    drawn, proportional = figure.data
    assert (list(drawn.x), list(drawn.y)) == ([1, 2], [1.0, 1.9])
    assert list(proportional.y) == [1, 2]
    found["workloads"]["ppo-cartpole"]["scaling"] = {}
    assert plot.scaling(found) is None
