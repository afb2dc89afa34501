"""Recipes: what they refuse, and the learning rate of every step."""

import numpy as np
import pytest

from itcortex.errors import UserError
from itcortex.training.recipe import Recipe, learning_rate


def rates(steps_per_epoch=10, **settings):
    """Learning rate of every step."""
    recipe = Recipe.of({"learning_rate": 0.5} | settings)
    steps = range(int(recipe.epochs * steps_per_epoch))
    return np.array([learning_rate(recipe, step, steps_per_epoch) for step in steps])


def test_the_published_recipe_is_the_default():
    recipe = Recipe()
    assert (recipe.optimizer, recipe.learning_rate, recipe.momentum) == ("sgd", 0.7, 0.9)
    assert (recipe.epochs, recipe.batch_size, recipe.warmup_epochs) == (90, 1024, 5)
    assert (recipe.milestones, recipe.gamma, recipe.map_share) == ((30, 60, 80), 0.1, 0.2)


def test_a_step_schedule_falls_at_its_milestones():
    found = rates(schedule="step", epochs=9, warmup_epochs=0, milestones=[3, 6, 8])
    np.testing.assert_allclose(found, np.repeat([0.5, 0.05, 0.005, 0.0005], [30, 30, 20, 10]))


def test_warm_up_rises_linearly_to_the_top():
    found = rates(schedule="constant", epochs=3, warmup_epochs=2)
    np.testing.assert_allclose(found[:20], 0.5 * np.arange(1, 21) / 21)
    np.testing.assert_allclose(found[20:], 0.5)


def test_warm_up_may_last_to_the_end():
    assert rates(epochs=2, warmup_epochs=2)[-1] == pytest.approx(0.5 * 20 / 21)


def test_a_cosine_starts_at_the_top_and_passes_half_of_it_half_way():
    found = rates(schedule="cosine", epochs=5, warmup_epochs=1)
    assert found[10] == 0.5 and found[30] == pytest.approx(0.25)
    assert (np.diff(found[10:]) < 0).all() and 0 < found[-1] < 0.001


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"epoch": 3}, r"unknown setting 'epoch'; did you mean 'epochs'"),
        ({"optimizer": "sdg"}, r"optimizer: 'sdg' is unknown; did you mean 'sgd'"),
        ({"precision": "float16"}, r"precision: 'float16' is unknown"),
        ({"batch_size": 1.5}, r"batch_size: 1.5 is not of the kind"),
        ({"sub_batch": 1}, r"sub_batch: 1 is not of the kind"),
        ({"epochs": True}, r"epochs: True is not of the kind"),
        ({"epochs": 0}, r"epochs: 0 is not a finite number of at least 1"),
        ({"learning_rate": 0}, r"learning_rate: 0 is not a finite number above 0"),
        ({"learning_rate": float("nan")}, r"learning_rate: nan is not"),
        ({"map_share": 1.0}, r"map_share: 1.0 is not at least 0 and below 1"),
        ({"crop_scale": [0.5, 0.1]}, r"crop_scale: \(0.5, 0.1\) is not"),
        ({"crop_scale": ["a", 1]}, r"crop_scale: \['a', 1\] is not of the kind"),
        ({"milestones": [60, 30]}, r"milestones: \(60, 30\) is not rising epochs"),
        ({"batch_size": 10, "accumulation": 3}, r"10 cannot be run in 3 equal parts"),
        ({"epochs": 3}, r"warmup_epochs: 5 is more than the 3 epochs: .*lower it"),
        ({"epochs": 1, "warmup_epochs": 1.5}, r"warmup_epochs: 1.5 is more than the 1 epochs"),
    ],
)
def test_settings_that_cannot_be_are_refused(settings, message):
    with pytest.raises(UserError, match=f"recipe: .*{message}"):
        Recipe.of(settings)


def test_a_recipe_goes_through_json_unchanged():
    recipe = Recipe.of({"milestones": [1, 2.5], "ema": 0.99})
    assert Recipe.of(recipe.asdict()) == recipe


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"labels": "own"}, "label_smoothing: 0.1, but labels: own are soft already"),
        ({"kept": "best_alignment"}, "kept: best_alignment needs labels: own"),
        ({"kept": "best"}, "kept: 'best' is unknown"),
        ({"least_agreement": 1.2}, "least_agreement: 1.2 is not a share from 0 to 1"),
        ({"largest_growth": 1.0}, "largest_growth: 1.0 is not a finite number above 1"),
    ],
)
def test_settings_of_own_labels_that_do_not_fit_together_are_refused(settings, message):
    with pytest.raises(UserError, match=message):
        Recipe.of(settings)
