"""The orientation check finds a turned grid, and says nothing of a right one."""

import logging

import numpy as np
import pytest

from itcortex.encoding.orientation import CONFIGURED, orientation_table, orientations
from itcortex.mappings.folds import Division
from itcortex.numerics.resample import resize_maps

FOLDS = Division.into_folds(np.arange(6))


@pytest.fixture
def planted(rng):
    maps = rng.standard_normal((6, 4, 4, 6))
    return maps, resize_maps(maps, (7, 7)) @ rng.standard_normal((6, 5))


def test_eight_orientations_of_a_square_grid_are_all_different(planted):
    turned = orientations(planted[1])
    assert len(turned) == 8
    assert len({values.tobytes() for values in map(np.ascontiguousarray, turned.values())}) == 8


def test_four_of_another_and_one_without_a_grid(rng):
    assert len(orientations(rng.standard_normal((3, 4, 5, 2)))) == 4
    assert list(orientations(rng.standard_normal((3, 1, 1, 2)))) == [CONFIGURED]


def test_the_right_orientation_is_best_and_nothing_is_said(planted, caplog):
    maps, responses = planted
    table = orientation_table(maps, responses, FOLDS, 6)
    assert table.loc[table["r"].idxmax(), "orientation"] == CONFIGURED
    assert table["r"].iloc[0] > 0.99
    assert table["r"].iloc[1:].max() < 0.5
    assert not caplog.records


@pytest.mark.parametrize("name", list(orientations(np.zeros((1, 2, 2, 1))))[1:])
def test_a_turned_grid_is_found_and_warned_of(planted, caplog, name):
    maps, responses = planted
    wrong = orientations(responses)[name]
    with caplog.at_level(logging.WARNING):
        table = orientation_table(maps, wrong, FOLDS, 6)
    best = table.loc[table["r"].idxmax(), "orientation"]
    np.testing.assert_allclose(orientations(wrong)[best], responses)
    assert "the grid seems to be turned" in caplog.text


def test_without_a_grid_the_table_is_empty(rng):
    table = orientation_table(
        None, rng.random((6, 1, 1, 5)), Division.into_folds(np.arange(6) % 3), 2
    )
    assert len(table) == 0
