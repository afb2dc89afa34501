"""The orientation check finds a turned grid, and says nothing of a right one."""

import logging

import numpy as np
import pytest

from itcortex.data.recordings import CONFIGURED, ORIENTATIONS, Recording, turned
from itcortex.encoding.orientation import orientation_table
from itcortex.errors import UserError
from itcortex.mappings.folds import Division
from itcortex.numerics.resample import resize_maps

FOLDS = Division.into_folds(np.arange(6))


@pytest.fixture
def planted(rng):
    maps = rng.standard_normal((6, 4, 4, 6))
    return maps, resize_maps(maps, (7, 7)) @ rng.standard_normal((6, 5))


def orientations(responses):
    return {name: turned(responses, name) for name in ORIENTATIONS}


def test_eight_orientations_of_any_grid_are_all_different(planted, rng):
    for responses in (planted[1], rng.standard_normal((3, 4, 5, 2))):
        found = orientations(responses)
        assert len(found) == 8
        kinds = {(v.shape, np.ascontiguousarray(v).tobytes()) for v in found.values()}
        assert len(kinds) == 8


@pytest.mark.parametrize("name", ORIENTATIONS)
def test_a_grid_stored_the_wrong_way_round_is_found_and_put_right_by_its_name(rng, caplog, name):
    """A grid that is not square, too: its transpositions have another shape, and are tested."""
    maps = rng.standard_normal((6, 6, 7, 6))
    right = resize_maps(maps, (11, 13)) @ rng.standard_normal((6, 5))
    inverse = {
        "transposed, flipped vertically": "transposed, flipped horizontally",
        "transposed, flipped horizontally": "transposed, flipped vertically",
    }
    stored = turned(right, inverse.get(name, name))
    with caplog.at_level(logging.WARNING):
        table = orientation_table(maps, stored, FOLDS, 6)
    assert len(table) == 8
    best = table.loc[table["r"].idxmax()]
    assert best["orientation"] == name
    assert best["r"] > 0.99
    assert ("seems to be turned" in caplog.text) == (name != CONFIGURED)
    ids, sites = tuple("abcdef"), tuple("vwxyz")
    recording = Recording(stored[:, :, :, None].astype("float32"), ids, sites).oriented(name)
    np.testing.assert_allclose(recording.responses[:, :, :, 0], right.astype("float32"))


def test_an_orientation_of_no_known_name_is_refused_with_the_nearest():
    with pytest.raises(UserError, match=r"orientation: 'transpose' is unknown.*'transposed'"):
        turned(np.zeros((1, 2, 2, 1)), "transpose")


def test_responses_that_no_orientation_predicts_are_warned_of(rng, caplog):
    maps, noise = rng.standard_normal((8, 5, 5, 6)), rng.standard_normal((8, 9, 9, 5))
    with caplog.at_level(logging.WARNING):
        table = orientation_table(maps, noise, Division.into_folds(np.arange(8)), 6)
    assert table["r"].max() < 0.1
    assert "no orientation of the grid is predicted well" in caplog.text
    assert "turned" not in caplog.text  # the best of eight is chance


def test_the_right_orientation_is_best_and_nothing_is_said(planted, caplog):
    maps, responses = planted
    table = orientation_table(maps, responses, FOLDS, 6)
    assert table.loc[table["r"].idxmax(), "orientation"] == CONFIGURED
    assert table["r"].iloc[0] > 0.99
    assert table["r"].iloc[1:].max() < 0.5
    assert not caplog.records


@pytest.mark.parametrize("name", list(ORIENTATIONS)[1:])
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


def test_a_grid_whose_sites_never_vary_is_said_to_tell_nothing(planted, caplog):
    table = orientation_table(planted[0], np.zeros_like(planted[1]), FOLDS, 3)
    assert table["r"].isna().all()
    assert "no site varies within a fold" in caplog.text
