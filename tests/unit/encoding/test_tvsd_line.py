"""TVSD's made files through the rules of the line: what was planted is found, in its region and monkey.

Electrodes 513 to 832 respond to one layer and electrodes 833 to 1024 to another. In monkey F these are
IT and V4; in monkey N they are V4 with a part of IT, and the rest of IT.
"""

import numpy as np
import pytest

import estimate_ceiling
import fit_encoding
import import_stimuli
import label_images
import prepare_recordings
from itcortex import store
from itcortex.tables.streamed import summarise
from itcortex.tables.summary import add_ceilings
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
    """The monkey's two files, and the units (image, unit) of two layers by name of the image."""
    train, test = image_names(N_TRAIN, N_TEST)
    names = [name.replace("\\", "/") for name in train + test]
    layers = {name: rng.normal(size=(N_TRAIN + N_TEST, N_UNITS)) for name in ("first", "second")}
    signal = np.zeros((N_TRAIN + N_TEST, 1024))
    for name, sites in (("first", slice(512, 832)), ("second", slice(832, 1024))):
        weights = rng.normal(size=(N_UNITS, sites.stop - sites.start)) / np.sqrt(N_UNITS)
        signal[:, sites] = layers[name] @ weights
    noise = rng.normal(size=(N_TEST, 1024, N_REPEATS))
    shown_once = signal[:N_TRAIN] + rng.normal(size=(N_TRAIN, 1024))
    reliability = np.where(np.arange(1024) % 4 == 3, 0.1, 0.8)  # a quarter is left out
    write_images(folder / "things_imgs.mat", train, test)
    source = folder / "normMUA.mat"
    write_responses(source, shown_once, signal[N_TRAIN:, :, None] + noise, reliability)
    write_things(folder / "object_images", train + test)
    return {name: dict(zip(names, units, strict=True)) for name, units in layers.items()}


@pytest.fixture(scope="module")
def line(tmp_path_factory):
    """Summaries and recordings by name, from files to scores."""
    folder, rng = tmp_path_factory.mktemp("tvsd"), np.random.default_rng(6)
    layers = planted(folder, rng)
    listed = str(folder / "things_imgs.mat")
    import_stimuli.main([listed], folder / "s.h5", str(folder / "object_images"), None, "tvsd", [])
    label_images.main(folder / "s.h5", [], folder / "images.parquet", {})
    names = store.read_stimuli(folder / "s.h5").image_ids
    maps = {
        layer: np.stack([units[name] for name in names]).astype(np.float32)[:, None, None]
        for layer, units in layers.items()
    }
    known = [{"name": layer, "depth": float(k)} for k, layer in enumerate(maps)]
    about = {"layers": known, "weights_digest": "f" * 64}
    activations = folder / "a.h5"
    store.write_activations(activations, [(0, maps)], tuple(maps), names, about, "float32")
    found = {}
    for name, entry in RECORDINGS.items():
        images = {"path": str(folder / "object_images"), "dataset": "things"}
        paths = {kind: folder / f"{name}.{kind}" for kind in ("h5", "scores", "p", "o", "ceilings")}
        prepare_recordings.main(
            folder / "normMUA.mat", [listed], folder / "images.parquet", paths["h5"], entry, images
        )
        labels = {"recording": name, "model": "net", "weights": "w"}
        kinds = ["ridge", "reverse"] if name == "N_V4" else ["ridge"]
        fit_encoding.main(
            activations, paths["h5"], paths["scores"], paths["p"], paths["o"], labels, kinds,
            "corrected", 25, "exact", *ON_CPU, FOLDS, 7, None, [], 20, 1,
        )  # fmt: skip
        estimate_ceiling.main(
            paths["h5"], [], [], [], paths["ceilings"], name, "corrected", FOLDS, None, [],
            "split_half_bound", ["ridge"], 20, 2, 1,
        )  # fmt: skip
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
    sites = [f"{name[0]}-{k + 1:04d}" for k in range(first, stop) if k % 4 != 3]
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
