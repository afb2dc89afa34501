"""Which epoch's weights are kept, and when a network counts as collapsed."""

import math
from pathlib import Path

import pytest

from itcortex.errors import UserError
from itcortex.training.kept import collapsed, kept_epoch, require_chosen
from itcortex.training.recipe import Recipe

BEST = Recipe.of(
    {"labels": "own", "label_smoothing": 0, "kept": "best_alignment", "least_agreement": 0.8}
)


def rows(*pairs, undefined=0):
    """A row of the history for each (agreement, alignment)."""
    of = {"n_aligned": 12, "n_undefined": undefined}
    return [{"validation_agreement": a, "validation_alignment": b} | of for a, b in pairs]


def test_the_last_epoch_is_kept_unless_another_is_asked_for():
    assert kept_epoch(rows((1.0, 0.9), (0.1, 0.1), (0.5, 0.2)), Recipe()) == 3


@pytest.mark.parametrize(
    ("pairs", "epoch"),
    [
        ([(1.0, 0.1), (0.8, 0.3), (0.9, 0.2)], 2),  # at the limit is not below it
        ([(0.9, 0.1), (0.79, 0.9), (0.9, 0.2)], 3),  # aligned best, and no longer the same network
        ([(0.9, 0.2), (0.9, 0.2)], 1),  # the first of equals
        ([(0.3, 0.9), (0.7, 0.1), (0.5, 0.5)], 2),  # none agrees enough: the one that agrees most
        ([(0.9, math.nan), (0.9, -0.2)], 2),  # an alignment that is not defined is no best one
    ],
)
def test_the_best_aligned_of_the_epochs_that_agree_is_kept(pairs, epoch):
    assert kept_epoch(rows(*pairs), BEST) == epoch


def test_an_alignment_of_few_photographs_is_none():
    """The second epoch's is that of 9 photographs, which the first one's need not be."""
    found = rows((0.9, 0.1)) + rows((0.9, 0.9), undefined=3) + rows((0.9, 0.2), undefined=2)
    assert kept_epoch(found, BEST) == 3
    require_chosen(found, 3, BEST, Path("here"))


@pytest.mark.parametrize("alignment", [0.3, math.nan])
def test_where_no_epoch_has_an_alignment_none_is_chosen(alignment):
    found = rows((0.9, alignment), (1.0, alignment), undefined=11)
    with pytest.raises(UserError, match=r"11 of 12 have a saliency.* kept: last, and delete here"):
        require_chosen(found, kept_epoch(found, BEST), BEST, Path("here"))
    require_chosen(found, 2, Recipe(), Path("here"))
    forgot = rows((0.1, math.nan), undefined=12)  # kept by its agreement, and marked
    require_chosen(forgot, kept_epoch(forgot, BEST), BEST, Path("here"))


def test_a_network_that_no_longer_agrees_has_collapsed():
    known, unknown = rows((0.79, 0.5))[0], {"validation_accuracy": 0.1}
    assert collapsed(known, BEST)
    assert not collapsed(rows((0.8, 0.5))[0], BEST) and not collapsed(unknown, BEST)
