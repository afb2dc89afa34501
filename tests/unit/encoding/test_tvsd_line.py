"""TVSD's made files through the rules of the line: what was planted is found, in its region and monkey.

Electrodes 513 to 832 respond to one layer and electrodes 833 to 1024 to another. In monkey F these are
IT and V4; in monkey N they are V4 with a part of IT, and the rest of IT. Each monkey has files, weights
and noise of its own, and N's name the images in another order.
"""

import shutil
from dataclasses import replace

import h5py
import numpy as np
import pandas as pd
import pytest

import compare_recordings
import estimate_ceiling
import fit_encoding
import import_stimuli
import label_images
import predict_recording
import prepare_recordings
from itcortex import store
from itcortex.tables.streamed import summarise
from itcortex.tables.summary import add_ceilings, describe_recordings, sites_left_out
from made.encoding import ON_CPU
from made.tvsd import image_names, write_images, write_responses, write_things

pytestmark = pytest.mark.long

N_TRAIN, N_TEST, N_REPEATS, N_UNITS = 150, 40, 10, 6
FOLDS = {"kind": "split", "name": "split"}
RECORDINGS = {
    f"{monkey}_{region}": {
        "dataset": "tvsd", "file": "normMUA.mat", "format": "tvsd", "options": {"monkey": monkey},
        "sites": {"region": region, "reliability": ">0.3"},
        "attributes": {"monkey": monkey, "area": region, "unit": "a.u.", "simulated": False},
    }
    for monkey, region in (("F", "IT"), ("F", "V4"), ("N", "V4"))
}  # fmt: skip


def planted(folder, rng):
    """The monkeys' files, and the units (image, unit) of two layers by name of the image."""
    train, test = image_names(N_TRAIN, N_TEST)
    names = [name.replace("\\", "/") for name in train + test]
    layers = {name: rng.normal(size=(N_TRAIN + N_TEST, N_UNITS)) for name in ("first", "second")}
    write_things(folder / "object_images", train + test)
    for monkey in "FN":
        order = np.arange(N_TRAIN + N_TEST)
        if monkey == "N":
            order = np.r_[rng.permutation(N_TRAIN), N_TRAIN + rng.permutation(N_TEST)]
        write_monkey(folder / monkey, {name: units[order] for name, units in layers.items()}, rng)
        listed = np.array(train + test)[order].tolist()
        write_images(folder / monkey / "things_imgs.mat", listed[:N_TRAIN], listed[N_TRAIN:])
    return {name: dict(zip(names, units, strict=True)) for name, units in layers.items()}


def write_monkey(folder, layers, rng):
    """Responses of one monkey to layers (image, unit), with weights and noise of its own."""
    folder.mkdir()
    signal = np.zeros((N_TRAIN + N_TEST, 1024))
    for name, sites in (("first", slice(512, 832)), ("second", slice(832, 1024))):
        weights = rng.normal(size=(N_UNITS, sites.stop - sites.start)) / np.sqrt(N_UNITS)
        signal[:, sites] = layers[name] @ weights
    noise = rng.normal(size=(N_TEST, 1024, N_REPEATS))
    shown_once = signal[:N_TRAIN] + rng.normal(size=(N_TRAIN, 1024))
    reliability = np.where(np.arange(1024) % 4 == 3, 0.8, 0.1)  # a quarter is left
    write_responses(
        folder / "normMUA.mat", shown_once, signal[N_TRAIN:, :, None] + noise, reliability
    )


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """Recordings and activations, from the monkeys' files."""
    folder, rng = tmp_path_factory.mktemp("tvsd"), np.random.default_rng(6)
    layers = planted(folder, rng)
    things = str(folder / "object_images")
    listed = {monkey: str(folder / monkey / "things_imgs.mat") for monkey in "FN"}
    import_stimuli.main([listed["F"]], folder / "s.h5", things, None, "tvsd", [])
    label_images.main(folder / "s.h5", [], folder / "images.parquet", {})
    names = store.read_stimuli(folder / "s.h5").image_ids
    maps = {
        layer: np.stack([units[name] for name in names]).astype(np.float32)[:, None, None]
        for layer, units in layers.items()
    }
    known = [{"name": layer, "depth": float(k)} for k, layer in enumerate(maps)]
    about = {"layers": known, "weights_digest": "f" * 64}
    store.write_activations(folder / "a.h5", [(0, maps)], tuple(maps), names, about, "float32")
    for name, entry in RECORDINGS.items():
        images = {"path": things, "dataset": "things"}
        prepare_recordings.main(
            folder / name[0] / "normMUA.mat", [listed[name[0]]], folder / "images.parquet",
            folder / f"{name}.h5", entry, images,
        )  # fmt: skip
    return folder


@pytest.fixture(scope="module")
def line(folder):
    """Summaries and recordings by name, from files to scores."""
    found, rng = {}, np.random.default_rng(7)
    for name in RECORDINGS:
        paths = {kind: folder / f"{name}.{kind}" for kind in ("h5", "scores", "p", "o", "ceilings")}
        labels = {"recording": name, "model": "net", "weights": "w"}
        kinds = ["ridge", "reverse"] if name == "N_V4" else ["ridge"]
        fit_encoding.main(
            folder / "a.h5", paths["h5"], paths["scores"], paths["p"], paths["o"], labels, kinds,
            "corrected", 25, "exact", *ON_CPU, FOLDS, 7, None, [], 20, 1,
        )  # fmt: skip
        estimate(folder, name, [], "split_half_bound", paths["ceilings"])
        scores = summarise(store.read_blocks(paths["scores"]), 50, rng)
        ceilings = store.read_table(paths["ceilings"])
        summary, by_fold = add_ceilings(scores.by_model, ceilings), scores.by_fold
        found[name] = (
            summary[summary["mapping"] == "ridge"], by_fold[by_fold["mapping"] == "ridge"],
            store.read_recording(paths["h5"]),
        )  # fmt: skip
        if "reverse" in kinds:
            found["reverse"] = summary[summary["mapping"] == "reverse"]
    return found


def estimate(folder, name, pairs, used, path):
    """The table of a recording's ceilings; `pairs` are scores of other recordings and what they are."""
    scores, about = (pairs[:1], pairs[1:]) if pairs else ([], [])
    estimate_ceiling.main(
        folder / f"{name}.h5", [], scores, about, path, name, "corrected", FOLDS, None, [], used,
        ["ridge"], 20, 2, 1,
    )  # fmt: skip
    return store.read_table(path)


PAIR_FILES = ("scores", "pairs", "shared", "curves")


@pytest.fixture(scope="module", params=["auto", "images"])
def tables(request, folder, line):
    """Tables of monkeys that predict each other, by inner folds and by left-out images."""
    made, ridge = folder / request.param, ON_CPU[0] | {"inner": request.param}
    made.mkdir()
    paths = {kind: [made / f"{name}.{kind}.parquet" for name in RECORDINGS] for kind in PAIR_FILES}
    kept = [made / f"{name}.predictions.h5" for name in RECORDINGS]
    for k, name in enumerate(RECORDINGS):
        others = [one for one in RECORDINGS if one != name]
        images = folder / "images.parquet"
        predict_recording.main(
            folder / f"{name}.h5", images, [folder / f"{one}.h5" for one in others], [images] * 2,
            *(paths[kind][k] for kind in PAIR_FILES), kept[k], name, others, [None, None], ["ridge"],
            "corrected", 25, "exact", ridge, *ON_CPU[1:], FOLDS, 7, None, [], 6, 1, 1,
        )  # fmt: skip
    models = {"model": ["net"], "weights": "w", "category": "cnn", "family": "f", "top1": [70.0]}
    models |= {"baseline": "", "series": "", "condition": "", "strength": np.nan, "seed": np.nan}
    store.write_table(made / "models.parquet", pd.DataFrame(models))
    written = ("recording_pairs", "shared_images", "site_counts")
    compare_recordings.main(
        **paths, predicted=kept, recorded=[folder / f"{name}.h5" for name in RECORDINGS],
        predictions=[folder / f"{name}.p" for name in RECORDINGS], models=made / "models.parquet",
        **{name: made / f"{name}.parquet" for name in written},
        **{f"{name}_csv": made / f"{name}.csv" for name in written},
        names=list(RECORDINGS), mapping="ridge", splits=dict.fromkeys(RECORDINGS, "split"), draws=200,
        seed=1,
    )  # fmt: skip
    return made, {name: store.read_table(made / f"{name}.parquet") for name in written}


def test_a_site_without_repeats_of_a_test_image_is_counted_in_the_table(folder, tmp_path):
    """The whole recording had been refused for it, without a key that could leave the site out."""
    source, name = tmp_path / "normMUA.mat", "F_IT"
    shutil.copy(folder / "F" / "normMUA.mat", source)
    with h5py.File(source, "r+") as handle:
        handle["test_MUA_reps"][:, 3, 515] = np.nan
    prepare_recordings.main(
        source, [str(folder / "F" / "things_imgs.mat")], folder / "images.parquet", tmp_path / "r.h5",
        RECORDINGS[name], {"path": str(folder / "object_images"), "dataset": "things"},
    )  # fmt: skip
    whole, part = (
        store.read_recording(path) for path in (folder / f"{name}.h5", tmp_path / "r.h5")
    )
    assert set(whole.site_ids) - set(part.site_ids) == {"F-0516"}
    left_out = [sites_left_out(store.read_attributes(path))
                for path in (folder / f"{name}.h5", tmp_path / "r.h5")]  # fmt: skip
    assert left_out == [1024 - 80, 1024 - 79]
    table = pd.DataFrame({"recording": [name], "r": 0.5})
    described = describe_recordings(
        table, {name: RECORDINGS[name]["attributes"]}, {name: left_out[1]}
    )
    assert described["left_out_sites"].tolist() == [1024 - 79]


def real(summary):
    return summary[summary["control"] == "none"].iloc[0]


@pytest.mark.parametrize(
    ("name", "layer", "first", "stop"),
    [("F_IT", "first", 512, 832), ("F_V4", "second", 832, 1024), ("N_V4", "first", 512, 768)],
)
def test_a_region_is_predicted_by_the_layer_that_was_planted_in_its_electrodes(
    line, name, layer, first, stop
):
    summary, by_fold, recording = line[name]
    sites = [f"{name[0]}-{k + 1:04d}" for k in range(first, stop) if k % 4 == 3]
    assert list(recording.site_ids) == sites
    assert recording.attributes["left_out"] == {"sites": 1024 - len(sites)}
    row = real(summary)
    assert row["layer"] == layer and row["n_sites"] == len(sites)
    # signal and noise of a trial are alike: the mean of 10 has a reliability of 10 / 11
    assert row["ceiling"] == pytest.approx(np.sqrt(10 / 11), abs=0.03)
    assert row["r_over_ceiling"] == pytest.approx(1, abs=0.08)
    r = by_fold[by_fold["control"] == "none"].set_index("layer")["r"]
    other = {"first": "second", "second": "first"}[layer]
    assert abs(r[other]) < 0.25 < r[layer]  # 40 images: r of what is unrelated has a spread of .16


def test_the_test_images_alone_are_scored_and_give_the_ceiling(line):
    summary, by_fold, recording = line["F_IT"]
    assert by_fold["fold"].unique().tolist() == ["test"]
    assert recording.repeated == tuple(range(N_TRAIN, N_TRAIN + N_TEST))
    control = summary[summary["control"] == "shuffled_images"].iloc[0]
    assert abs(control["r"]) < 0.1 and real(summary)["p_shuffled"] == pytest.approx(1 / 21)


def test_a_test_set_with_repeats_bounds_the_reverse_direction_where_training_images_have_none(line):
    """192 sites read six units: the mean of ten repeats predicts them well, and the bound says so."""
    row = real(line["reverse"])
    assert row["ceiling_name"] == "reverse_bound"
    assert 0.9 < row["ceiling_low"] <= row["ceiling"] <= row["ceiling_high"] <= 1
    assert 0.8 < row["r_over_ceiling"] < 1.05


def test_each_monkey_predicts_the_other_from_training_to_test_images(tables):
    """F's IT and N's V4 have the first layer in common; F's V4 reads the second."""
    pairs = tables[1]["recording_pairs"].set_index(["recording", "sources"])
    assert not pairs["note"].str.contains("split|refused").any()
    assert set(pairs["n_shared"]) == set(pairs["n_images"]) == {N_TRAIN + N_TEST}
    for recording, source in (("F_IT", "N_V4"), ("N_V4", "F_IT")):
        row = pairs.loc[recording, source]
        # the ceiling of these test means is .95; training images were shown once
        assert 0.7 < row["r"] < 0.95 and row["same_monkey"] == "no"
        assert row["r_low"] < row["r"] < row["r_high"] and row["p_shuffled"] == pytest.approx(1 / 7)
        assert row["n_folds"] == 1
        # 80 sites alone would leave an interval half as wide: what is drawn are the 40 test images
        assert row["r_high"] - row["r_low"] > 0.018
    assert abs(pairs.loc[("F_V4", "N_V4"), "r"]) < 0.3


def test_networks_are_compared_with_the_other_monkey_on_its_test_images(tables, line):
    shared = tables[1]["shared_images"].set_index(["recording", "sources"])
    own = real(line["F_IT"][0])
    row = shared.loc["F_IT", "N_V4"]
    assert row["r"] == pytest.approx(own["r"], abs=1e-6)  # all test images are shared
    assert row["low"] < row["difference"] < row["high"] and row["r_low"] < row["r"] < row["r_high"]
    counts = tables[1]["site_counts"]
    whole = counts[(counts["recording"] == "F_IT") & (counts["sources"] == "N_V4")]
    assert whole["n_source_sites"].tolist() == [1, 2, 4, 8, 16, 32, 64]
    pairs = tables[1]["recording_pairs"].set_index(["recording", "sources"])
    assert whole["r"].iloc[-1] == pytest.approx(pairs.loc[("F_IT", "N_V4"), "r"], abs=1e-12)


def test_another_monkey_divides_scores_as_a_ceiling_by_its_name(tables, folder):
    made, found = tables
    files = [made / "F_IT.scores.parquet", made / "F_IT.pairs.parquet"]
    used = estimate(folder, "F_IT", files, "recording:N_V4", made / "c.parquet").query("used")
    assert set(used["ceiling_name"]) == {"recording:N_V4"} and used["fold"].tolist() == ["test"]
    pairs = found["recording_pairs"].set_index(["recording", "sources"])
    assert used["value"].iloc[0] == pytest.approx(pairs.loc[("F_IT", "N_V4"), "r"], abs=1e-12)


def test_responses_to_test_images_move_no_prediction_of_the_other_monkey(tables, folder, rng):
    """Poisoned test responses of the target change its scores, and not what is predicted."""
    made, _ = tables
    recording = store.read_recording(folder / "F_IT.h5")
    values = recording.responses.copy()
    values[N_TRAIN:] = rng.normal(size=values[N_TRAIN:].shape)
    store.write_recording(made / "poisoned.h5", replace(recording, responses=values))
    images = folder / "images.parquet"
    ridge = ON_CPU[0] | {"inner": made.name}
    predict_recording.main(
        made / "poisoned.h5", images, [folder / "N_V4.h5"], [images],
        *(made / f"poisoned.{kind}.parquet" for kind in PAIR_FILES), made / "poisoned.predictions.h5",
        "F_IT", ["N_V4"], [None], ["ridge"], "corrected", 25, "exact", ridge, *ON_CPU[1:], FOLDS, 7,
        None, [], 0, 1, 1,
    )  # fmt: skip
    (poisoned, _), (sound, _) = (
        store.read_arrays(made / f"{name}.predictions.h5") for name in ("poisoned", "F_IT")
    )
    name = "recording:N_V4/ridge"
    np.testing.assert_array_equal(poisoned[name], sound[name])
