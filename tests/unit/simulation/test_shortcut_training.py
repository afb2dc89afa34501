"""Harmonization turns the gradient to the object, in the demo's regime made small."""

import numpy as np
import pytest

from itcortex.attention import shortcut
from itcortex.networks.network import Network
from itcortex.simulation import digits
from itcortex.training.images.samples import Arrays
from itcortex.training.plan import Data, Place, Plan
from itcortex.training.recipe import Recipe
from itcortex.training.train import train

pytestmark = pytest.mark.network

SETTINGS = digits.Settings(
    side=32, digit=(18, 22), patch=6, share=0.95, contrast=0.5, kind="texture"
)
NETWORK = Network(
    "test_resnet",
    arguments={"num_classes": 10, "norm_layer": "groupnorm1", "act_layer": "silu"},
    preprocessing={
        "input_size": [3, 32, 32], "mean": [0.5] * 3, "std": [0.25] * 3,
        "interpolation": "bilinear",
    },
)  # fmt: skip
RECIPE = Recipe(
    epochs=3, batch_size=32, optimizer="adamw", learning_rate=2e-3, warmup_epochs=0.5,
    schedule="cosine", weight_decay=0.01, epsilon="relative", saliency="max_abs",
    crop_scale=(1.0, 1.0), crop_ratio=(1.0, 1.0), flip=0.0,
)  # fmt: skip


def samples(part, count, share, rng):
    scenes = digits.arrange(part, count, SETTINGS, rng)
    shown = digits.draw_shortcuts(scenes.labels, share, rng)
    return scenes, shown, scenes.images(shown)


@pytest.fixture(scope="module")
def measures(tmp_path_factory):
    """What the probe finds in a baseline and a harmonized network."""
    rng = np.random.default_rng(0)
    scenes, _, images = samples("train", 1100, SETTINGS.share, rng)
    learnt = Arrays(images, scenes.labels, 255 * scenes.maps)
    scenes, shown, images = samples("test", 200, SETTINGS.share, rng)
    ids = tuple(map(str, range(200)))
    intact = shortcut.Shown(ids, images, scenes.labels, shown, scenes.maps)
    other = digits.draw_shortcuts(scenes.labels, digits.CHANCE, rng)
    broken = shortcut.Shown(ids, scenes.images(other), scenes.labels, other, scenes.maps)
    found = {}
    for strength in (0.0, 1.0):
        place = Place(tmp_path_factory.mktemp("training"))
        trained = train(Plan(NETWORK, RECIPE, strength, 0), Data(labelled=learnt), place)
        model = NETWORK.build(0)
        model.load_state_dict(trained.state)
        pre = NETWORK.preprocessing_of(model)
        found[strength] = shortcut.probe(model, pre, intact, broken, 40, 8, 8)[0]
    return found


def test_gradients_turn_to_the_object(measures):
    """Longer trainings gain .2 to .4 over three seeds, this one .45; what is read is not asserted."""
    gained = measures[1.0]["alignment_gradient"] - measures[0.0]["alignment_gradient"]
    assert gained > 0.15 and measures[1.0]["alignment_gradient"] > 0.55
