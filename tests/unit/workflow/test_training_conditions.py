"""Trainings that are compared by condition differ in nothing but maps, and were not shown the test."""

import dataclasses

import numpy as np
import pandas as pd
import pytest

from itcortex.errors import UserError
from itcortex.workflow import schemas, training_conditions, trainings
from itcortex.workflow.experiment import Experiment
from made import experiments

PART = "results/attention/part"
HUMAN = {
    "labelled": [], "mapped": [f"{PART}.human.parquet"], "validation": [f"{PART}.validation.parquet"],
    "start": "imagenet", "classes": "", "condition": "human", "strengths": [0, 10], "seeds": [0, 1],
    "recipe": {"epochs": 2, "batch_size": 8, "warmup_epochs": 1, "learning_rate": 0.001},
    "recipes": {},
}  # fmt: skip
OTHERS = HUMAN | {
    "mapped": [f"{PART}.of_others.parquet"], "condition": "of_others", "strengths": [10]
}  # fmt: skip
COLUMNS = ["model", "weights", "source", "category", "top1", "baseline"]
ROWS = [
    ("net", "imagenet", "timm:a", "cnn", 70.0, ""),
    ("net", "human", "trained:human", "cnn", np.nan, ""),
    ("net", "others", "trained:others", "cnn", np.nan, "net human"),
]
REGISTRY = {"attention": {
    "whole": {"format": "osie"},
    "part": {"format": "osie", "held_out": {"of": "whole"}},
    "clickme": {"format": "clickme", "files": ["val-0.tfrecords"]},
}}  # fmt: skip


def expanded(settings, rows=ROWS) -> pd.DataFrame:
    """The model table with trained rows written out."""
    table = pd.DataFrame(rows, columns=COLUMNS).assign(where="models.csv: line 2")
    return trainings.expand_models(table, settings)


def check(rows=ROWS, human=None, **others):
    """Check both trainings, of which the second was changed."""
    settings = {"human": HUMAN | (human or {}), "others": OTHERS | others}
    training_conditions.check_conditions({"training": settings}, expanded(settings, rows))


def test_trainings_that_differ_in_maps_strengths_and_seeds_are_compared():
    check()
    check(strengths=[10, 20], seeds=[1])
    check(condition="human", strengths=[3], mapped=HUMAN["mapped"])
    mine = {"mapped": [], "labelled": ["mine.parquet"]}  # with maps of their own
    check(human=mine, mapped=[], labelled=["others.parquet"])
    check(digits="digits", condition="human", recipe={"epochs": 1})


def test_two_trainings_of_one_condition_strength_and_seed_are_refused():
    message = (
        "training: others: condition: 'human', strength 10 and seed 0 of net are also those of "
        "training human .weights human and others.*write condition: of_others or mean"
    )
    with pytest.raises(UserError, match=message):
        check(condition="human")
    twice = [*ROWS, ("net", "again", "trained:human", "cnn", np.nan, "")]
    with pytest.raises(UserError, match="weights human and again"):
        check(twice)
    check([*ROWS, ("other", "again", "trained:human", "cnn", np.nan, "")][:2])


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"recipe": HUMAN["recipe"] | {"learning_rate": 0.01}}, "learning_rate: 0.01, but 0.001"),
        ({"recipes": {"net": {"epochs": 3}}}, "epochs: 3, but 2 in human, whose networks of net"),
        ({"start": None}, "start: null, but imagenet in human"),
        ({"validation": ["mine"]}, r"validation: \['mine'\], but \['results/attention/part.validation"),
        ({"labelled": ["a", "b", "c", "d"]}, r"labelled: \['a', 'b', 'c'\] and 1 more, but \[\] in"),
        ({"mapped": HUMAN["mapped"]}, "mapped: .*part.human.parquet is also that of human, but its "
         "condition 'of_others' says maps of other photographs; name the file"),
    ],
)  # fmt: skip
def test_what_differs_in_more_than_maps_or_in_nothing_is_refused(changes, message):
    with pytest.raises(UserError, match=message):
        check(**changes)


def test_two_controls_have_maps_of_their_own_too():
    settings = {"human": HUMAN, "others": OTHERS, "mean": OTHERS | {"condition": "mean"}}
    rows = [*ROWS, ("net", "centre", "trained:mean", "cnn", np.nan, "net human")]
    message = "training: mean: mapped: .*of_others.parquet is also that of others, but its .*'mean'"
    with pytest.raises(UserError, match=message):
        training_conditions.check_conditions({"training": settings}, expanded(settings, rows))


def test_a_control_with_its_own_strength_0_is_held_against_human_maps_too():
    own = [*ROWS[:2], ("net", "others", "trained:others", "cnn", np.nan, "")]
    check(own, strengths=[0, 10])
    with pytest.raises(
        UserError, match="config: training: human: recipe: epochs: 2, but 5 in others"
    ):
        check(own, strengths=[0, 10], recipe=HUMAN["recipe"] | {"epochs": 5})


@pytest.mark.parametrize(
    ("sets", "mapped", "message"),
    [
        (["whole"], HUMAN["mapped"], "'whole' has photographs that the networks of training human "
         "learnt from .mapped: .*part.human.parquet.; name part, whose photographs were held out"),
        (["part"], ["results/attention/whole.parquet"], "'part' has photographs .* train on other"),
        (["part"], [f"{PART}.validation.parquet"], "'part' has photographs"),
        (["part", "clickme"], ["results/clickme/{x}/{0..2}.parquet".replace("{x}", "val")],
         "'clickme' has photographs .*val/0.parquet"),
    ],
)  # fmt: skip
def test_networks_are_not_scored_on_photographs_that_they_learnt_from(sets, mapped, message):
    settings = {"human": HUMAN | {"mapped": mapped}, "unused": HUMAN | {"mapped": ["x"]}}
    models = expanded(settings, ROWS[:2])
    config = {"training": settings, "attention": {"sets": sets}}
    with pytest.raises(UserError, match=message):
        training_conditions.check_unseen(config, REGISTRY, models)
    unused = {"human": HUMAN, "unused": HUMAN | {"mapped": mapped}}
    config = {"training": unused, "attention": {"sets": ["part", "clickme"]}}
    training_conditions.check_unseen(config, REGISTRY, expanded(unused, ROWS[:2]))


@pytest.fixture
def harmonized(monkeypatch) -> dict:
    """Settings of the experiment that has conditions."""
    monkeypatch.chdir(experiments.REPOSITORY)
    config, _ = experiments.repository()
    overlay = schemas.load_yaml("experiments/macaque_harmonized.yaml")
    return config | {
        key: config[key] | value if isinstance(value, dict) else value
        for key, value in overlay.items()
    }


@pytest.mark.network
def test_an_experiment_is_read_if_its_conditions_can_be_compared(harmonized):
    folder = experiments.REPOSITORY
    assert len(Experiment.read(harmonized, folder).conditioned) == 36
    seen = harmonized | {"attention": harmonized["attention"] | {"sets": ["osie"]}}
    with pytest.raises(UserError, match=r"'osie' has photographs .*name osie_held_out"):
        Experiment.read(seen, folder)
    copied = harmonized["training"]["osie_others"] | {"condition": "human"}
    same = harmonized | {"training": harmonized["training"] | {"osie_others": copied}}
    with pytest.raises(UserError, match="osie_others: condition: 'human', strength 10 and seed 0"):
        Experiment.read(same, folder)


@pytest.mark.network
def test_conditions_are_compared_by_what_there_is(harmonized):
    nothing = {
        "recordings": [],
        "concepts": {**harmonized["concepts"], "models": [], "recordings": None},
    }
    people = Experiment.read(harmonized | nothing | {"rdms": []}, experiments.REPOSITORY)
    assert {"conditions", "condition_seeds"} <= {*people.tables} and not {"summary"} & {
        *people.tables
    }
    assert {"conditions", "conditions_gallery"} <= {*people.figures}
    assert "changes" not in people.figures
    alone = {"attention": harmonized["attention"] | {"sets": []}}
    rdms = Experiment.read(harmonized | nothing | alone, experiments.REPOSITORY)
    assert "conditions" in rdms.tables and "conditions_gallery" not in rdms.figures


@pytest.mark.network
def test_controls_without_strength_0_have_no_gallery(harmonized):
    whole = Experiment.read(harmonized, experiments.REPOSITORY)
    assert "conditions_gallery" in whole.figures
    controls = whole.models[whole.models["condition"].isin(["", "of_others", "mean"])]
    left = dataclasses.replace(whole, models=controls)
    assert "conditions" in left.tables and "conditions_gallery" not in left.figures
