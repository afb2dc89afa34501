"""What the jobs that train a network are given."""

import pytest

from itcortex.workflow.training_jobs import TrainingJobs
from made.experiments import IMAGENET, ROWS, experiment

HARMONIZED = {"model": "net", "weights": "harmonized/strength-2/seed-0"}
DIGITS = {"model": "small", "weights": "harmonized/strength-0.3/seed-1"}


@pytest.fixture
def training(ex):
    return TrainingJobs(ex)


def test_images_have_their_ranges_written_out_and_weights_to_start_from(training, job):
    clickme = [f"results/clickme/train/{n}.parquet" for n in (0, 1)]
    assert training.images(job(**HARMONIZED)) == {
        "labelled": ["data/train"], "mapped": clickme, "validation": ["data/val"],
        "start": ["results/weights/net/in1k.safetensors"],
    }  # fmt: skip
    assert training.images(job(**DIGITS))["start"] == []


def test_answers_are_compared_of_networks_that_learnt_their_own(job):
    """On what the training judged by, with the weights that it started from."""
    own = IMAGENET | {"condition": "human", "recipe": {"labels": "own"}}
    given = IMAGENET | {"condition": "mean", "strengths": [2], "recipe": {"labels": "given"}}
    rows = [*ROWS[:1], ("net", "human", "trained:own", "cnn", "net", "", 5.0, 224),
            ("net", "centre", "trained:given", "cnn", "net", "", 5.0, 224)]  # fmt: skip
    ex = experiment(rows=rows, training={"own": own, "given": given})
    assert len(ex.conditioned) == 3
    assert ex.own_teachers == [("net", f"human/strength-{s}/seed-0") for s in (0, 2)]
    assert TrainingJobs(ex).judged(job(model="net", weights="human/strength-2/seed-0")) == {
        "validation": ["data/val"], "start": ["results/weights/net/in1k.safetensors"],
    }  # fmt: skip


def test_a_start_that_is_trained_here_is_the_baseline_of_the_same_seed(job):
    trained = IMAGENET | {"start": None, "strengths": [0], "seeds": [0, 7]}
    rows = [
        ("net", "plain", "trained:imagenet", "cnn", "net", "", 5.0, 224),
        ("net", "tuned", "trained:tuned", "cnn", "net", "", 5.0, 224),
    ]
    ex = experiment(rows=rows, training={
        "imagenet": trained, "tuned": IMAGENET | {"start": None, "strengths": [1], "seeds": [7]},
    })  # fmt: skip
    ex.settings["training"]["tuned"]["start"] = "plain"
    found = TrainingJobs(ex).images(job(model="net", weights="tuned/strength-1/seed-7"))
    assert found["start"] == ["results/weights/net/plain/strength-0/seed-7.safetensors"]


def test_a_models_own_recipe_seed_and_settings(training, job):
    assert training.recipe(job(**HARMONIZED)) == {"epochs": 3, "batch_size": 64}
    assert training.recipe(job(**DIGITS))["epochs"] == 6
    assert training.seed(job(**DIGITS)) == 1 and isinstance(training.seed(job(**DIGITS)), int)
    assert training.setting("workers")(job(**DIGITS)) == 0  # a default
    assert training.setting("classes")(job(**DIGITS)) == ""


def test_histories_are_of_all_networks_of_a_model(training, job):
    found = training.histories(job(model="net"))
    assert found == [f"results/weights/net/harmonized/strength-{s}/seed-0.parquet" for s in (0, 2)]


def test_notes_lie_beside_histories_and_a_floor_is_told_where_all_have_one(training, job):
    notes = training.notes(job(model="net"))
    assert notes == [f"results/weights/net/harmonized/strength-{s}/seed-0.json" for s in (0, 2)]
    given = IMAGENET | {"recipe": IMAGENET["recipe"] | {"warmup_epochs": 1}, "recipes": {}}
    own = {"labels": "own", "label_smoothing": 0, "kept": "best_alignment", "least_agreement": 0.8}
    for more, floor in (({}, None), (own, 0.8)):
        settings = given | {"recipe": given["recipe"] | more}
        ex = experiment(rows=ROWS[:4], training={"imagenet": settings})
        assert TrainingJobs(ex).least_agreement(job(model="net")) == floor


def test_what_is_planned_does_not_ask_whether_images_are_there():
    keys = [("net", f"harmonized/strength-{strength}/seed-0") for strength in (0, 2)]
    ex = experiment(rows=ROWS[:4], missing=dict.fromkeys(keys, "no images"))
    assert not len(ex.trained)
    planned = TrainingJobs(ex).planned
    assert [(row["model"], row["weights"]) for row in planned] == keys
    assert list(planned[0]) == [
        "model", "weights", "training", "strength", "seed", "params_m", "step_cost",
        "activation_mb",
    ]  # fmt: skip
