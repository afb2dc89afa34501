"""From training to the table of conditions: human maps that mark what sites read, and that do so alone.

Networks are trained by the project's trainer, their features predict made sites by its encoding models,
and the comparison is that of rule compare_conditions.
"""

import numpy as np
import pandas as pd
import pytest
import torch

import itcortex
from itcortex.tables import condition_words
from itcortex.tables.condition_contrasts import CONTROLS, HUMAN, contrasts
from itcortex.tables.condition_measures import of_recordings
from itcortex.tables.condition_sites import OF_LAYERS, Layered
from itcortex.tables.conditions import conditions_tables
from itcortex.tables.model_pairs import collect_tests
from itcortex.training.images.samples import Arrays
from itcortex.training.plan import Data, Place, Plan
from itcortex.training.recipe import Recipe
from itcortex.training.train import train
from made import conditions as made
from made import planted

pytestmark = pytest.mark.network

RECIPE = Recipe(
    epochs=3, batch_size=50, optimizer="adamw", learning_rate=0.05, warmup_epochs=0.5,
    schedule="cosine", weight_decay=0.0, epsilon="relative", saliency="max_abs",
    crop_scale=(1.0, 1.0), crop_ratio=(1.0, 1.0), flip=0.0, label_smoothing=0.0,
)  # fmt: skip
SEEDS = (0, 1)


def maps_of(maps) -> dict[str, np.ndarray]:
    """Maps by condition; those of strength 0 are not looked at."""
    mean = np.repeat(maps.mean(0, keepdims=True), len(maps), 0)
    return {"none": maps, HUMAN: maps, CONTROLS[0]: np.roll(maps, 1, 0), CONTROLS[1]: mean}


def table_of(near, folder) -> pd.DataFrame:
    """The table of conditions of networks that were trained on scenes."""
    rng = np.random.default_rng(5)
    learnt, _ = planted.scenes(200, near, rng)
    shown, strength = planted.scenes(120, near, rng)
    sites = strength[:, None] * rng.uniform(0.5, 2, 12) + 0.1 * rng.standard_normal((120, 12))
    maps, net, parts = maps_of(learnt.maps), planted.network(), []
    models = made.models(seeds=SEEDS)
    for row in models[models["condition"] != ""].to_dict("records"):
        data = Data(labelled=Arrays(learnt.images, learnt.labels, maps[row["condition"]]))
        place = Place(folder / row["weights"])
        trained = train(Plan(net, RECIPE, row["strength"], int(row["seed"])), data, place)
        model = net.build(0)
        model.load_state_dict(trained.state)
        with torch.no_grad():
            features = model.features(net.preprocessing_of(model)(shown.images)).numpy()
        labels = {"recording": "sites", "model": row["model"], "weights": row["weights"]}
        fitted = itcortex.predictivity(features, sites, folds=10, draws=10, labels=labels)
        parts.append(fitted.sites)
    rows = pd.concat(parts, ignore_index=True)
    for column, value in OF_LAYERS.items():
        rows = rows[rows[column] == value]
    summary = pd.DataFrame([{"recording": "sites", "mapping": "pls", "protocol": "corrected",
                             "main_window": True, "control": "none", "ceiling": np.nan,
                             "area": "made"}])  # fmt: skip
    measures = of_recordings([collect_tests([rows], Layered)], summary, 200, rng, {})
    return conditions_tables(measures, contrasts(models), 200, rng).conditions


WHERE = {"measure": "r", "target": "sites", "mapping": "pls"}


def test_maps_that_mark_what_sites_read_help_and_those_of_other_photographs_do_not(tmp_path):
    """Objects stand anywhere."""
    table = table_of(False, tmp_path)
    verdict = "human maps raise it beyond strength 0 and beyond both kinds of other maps"
    assert condition_words.verdict(table, **WHERE).startswith(verdict)
    for other in ("none", CONTROLS[0]):
        assert condition_words.contrast(table, HUMAN, other, **WHERE)["low"] > 0.02


def test_where_maps_of_other_photographs_mark_the_object_too_both_help_alike(tmp_path):
    """Objects stand at nearly one place: maps differ, and what networks learn from them hardly does."""
    maps = maps_of(planted.scenes(20, True, np.random.default_rng(5))[0].maps)
    assert (maps[HUMAN] != maps[CONTROLS[0]]).any((1, 2)).all()
    table = table_of(True, tmp_path)
    verdict = "all maps raise it (no change that human maps explain)"
    assert condition_words.verdict(table, **WHERE).startswith(verdict)
    for one in (HUMAN, CONTROLS[0]):
        assert condition_words.contrast(table, one, "none", **WHERE)["low"] > 0.02
    control = condition_words.contrast(table, HUMAN, CONTROLS[0], **WHERE)
    assert control["low"] < 0 < control["high"]
    assert 0 < abs(control["difference"]) < 0.002  # of .047; the same networks would differ by 0
