"""Simulated arrays and their teacher, and the digits study."""

import pytest

from itcortex.workflow import paths
from itcortex.workflow.simulations import DigitsStudy, Teacher
from made import experiments
from made.experiments import ROWS, experiment

STUDIED = [
    f"harmonized/strength-{strength}/seed-{seed}"
    for strength in ("0", "0.3", "1")
    for seed in (0, 1)
]


def with_teacher(**changes):
    """An experiment whose first network is the teacher."""
    config, _ = experiments.repository()
    simulation = config["simulation"] | {"teacher": "net", "teacher_weights": "in1k"}
    return experiment(rows=ROWS[:1], simulation=simulation, **changes)


def test_the_teacher_is_a_row_of_the_model_table(job):
    teacher = Teacher(with_teacher())
    assert teacher.weights(job()) == "results/weights/net/in1k.safetensors"
    assert teacher.network["architecture"] == "net.a1_in1k"
    assert teacher.planted["sim_m1_ml"] == {
        "model": "net", "weights": "in1k", "layer": "blocks.4.2",
    }  # fmt: skip
    assert list(teacher.planted) == ["sim_m1_pl", "sim_m1_ml", "sim_m2_ml"]


def test_where_nothing_is_simulated_there_is_no_teacher():
    config, _ = experiments.repository()
    assert config["simulation"]["teacher"] not in [row[0] for row in ROWS]
    teacher = Teacher(experiment(recordings=["m1_pl"]))
    assert teacher.network == {} and teacher.planted == {}


def test_all_arrays_of_the_registry_are_made_together():
    """They share an archive, as the published ones do, whichever an experiment uses."""
    arrays = Teacher(with_teacher(recordings=["sim_m1_pl"])).arrays
    assert [array["name"] for array in arrays] == ["sim_m1_pl", "sim_m1_ml", "sim_m2_ml"]
    assert arrays[0] == {
        "name": "sim_m1_pl", "folder": "George/natural_test",
        "mat": "George/george_060118_data.mat", "sites": [0, 32],
        "grid": [17, 17], "layer": "blocks.3.2", "rf_sigma": 0.6,
    }  # fmt: skip


# --- the digits study -----------------------------------------------------------------------------


def test_settings_and_images_of_the_study(ex, job):
    study = DigitsStudy(ex)
    assert study.of_digits("sites")(job(digits="digits_simulated")) == 40
    assert study.images(job(model="small", weights=STUDIED[0])) == {
        "intact": "results/data/digits_simulated/intact.parquet",
        "broken": "results/data/digits_simulated/broken.parquet",
    }
    tested = ["digits_simulated/intact.parquet", "digits_simulated/broken.parquet"]
    assert study.test_images == {f"small/{weights}": tested for weights in STUDIED}
    assert study.all_images == [f"results/data/{name}" for name in tested]
    assert ex.digits_in_use == ["digits_simulated"]
    assert ex.studied_recordings == ["digits_object_sites"]
    assert (study.base, study.models) == ("small", ["small"])


def test_every_network_of_the_study_is_scored_on_the_array_that_saw_its_digits(ex):
    assert DigitsStudy(ex).per_model(paths.ENCODING) == [
        f"results/demo/encoding/digits_object_sites/small/{weights}.parquet" for weights in STUDIED
    ]


def test_networks_trained_on_other_digits_have_an_array_of_their_own():
    config, _ = experiments.repository()
    digits, training = config["digits"]["digits_simulated"], config["training"]["digits"]
    other = digits | {"recording": "digits_tint_object_sites"}
    ex = experiment(
        rows=[ROWS[-1], ("tint", "harmonized", "trained:tint", "cnn", "tint", "", 1.0, 32)],
        digits=config["digits"] | {"digits_tint_simulated": other},
        training={"tint": training | {"digits": "digits_tint_simulated", "strengths": [0, 2]}},
    )
    study = DigitsStudy(ex)
    found = study.per_model(paths.SHORTCUT.replace("shortcut", "x/{recording}"))
    assert [path.split("/")[3] for path in found] == (
        ["digits_object_sites"] * 6 + ["digits_tint_object_sites"] * 4
    )
    assert ex.studied_recordings == ["digits_object_sites", "digits_tint_object_sites"]
    last = {"model": "tint", "weights": "harmonized/strength-2/seed-1", "family": "tint"}
    assert study.networks[-1] == last | {"series": "harmonized"}


@pytest.mark.parametrize(
    ("strengths", "shown"),
    [([0, 0.3, 1, 10], ["0", "1"]), ([0, 0.1, 20], ["0", "0.1"]), ([0], ["0"]), ([3, 2], ["2"])],
)
def test_examples_are_a_baseline_and_the_strength_nearest_to_1(job, strengths, shown):
    config, _ = experiments.repository()
    training = config["training"]["digits"] | {"strengths": strengths, "seeds": [4, 5]}
    study = DigitsStudy(experiment(rows=ROWS[-1:], training={"digits": training}))
    assert study.examples(job(experiment="demo")) == [
        f"results/demo/shortcut/small/harmonized/strength-{strength}/seed-4.examples.h5"
        for strength in shown
    ]


def test_without_a_study_there_is_nothing_of_it():
    study = DigitsStudy(experiment(rows=ROWS[:2]))
    assert (study.base, study.models, study.networks) == ("", [], [])
    assert study.per_model(paths.ENCODING) == []
