"""From a run's files to responses to new pictures: both scripts, and the function of the same name."""

import numpy as np
import pandas as pd
import pytest
import torch
from PIL import Image

import itcortex
from extract_activations import main as extract_activations
from fit_encoding import main as fit_encoding
from itcortex import store
from itcortex.data.recordings import Recording
from itcortex.data.stimuli import Stimuli
from itcortex.networks.network import Network
from keep_mapping import main as keep_mapping
from made.encoding import ON_CPU
from predict_responses import main as predict_responses

pytestmark = pytest.mark.network

BUILDER = """from torch import nn
def build():
    return nn.Sequential(
        nn.Conv2d(3, 6, 3, stride=2, padding=1), nn.ReLU(),
        nn.Conv2d(6, 8, 3, stride=2, padding=1), nn.ReLU(),
    )
"""
PLAIN = {
    "input_size": [3, 16, 16], "mean": [0.5] * 3, "std": [0.25] * 3, "interpolation": "bilinear",
}  # fmt: skip
LABELS = {"recording": "array", "model": "mine", "weights": "drawn"}


@pytest.fixture(scope="module")
def results(tmp_path_factory):
    """Folder of results whose sites read the second layer exactly, and pictures of several sizes."""
    top = tmp_path_factory.mktemp("run")
    folder = top / "results"
    (top / "mine.py").write_text(BUILDER)
    network = Network("mine", builder=f"{top}/mine.py:build", preprocessing=PLAIN)
    model = network.build(seed=0)
    weights = folder / "weights" / "mine" / "drawn.safetensors"
    store.write_weights(weights, model.state_dict(), {"architecture": "mine"})
    rng = np.random.default_rng(0)
    ids = tuple(f"{i}.png" for i in range(40))
    pixels = rng.integers(0, 256, (40, 16, 16, 3), dtype=np.uint8)
    store.write_stimuli(folder / "stimuli.h5", Stimuli(pixels, ids))
    activations = folder / "activations.h5"
    extract_activations(
        folder / "stimuli.h5", weights, activations, folder / "activations.json", network.asdict(),
        ["1", "3"], 2, None, None, "float32", 16, "cpu", 0,
    )  # fmt: skip
    read = store.open_activations(activations).read("3", list(range(40)))
    weights_of_sites = rng.standard_normal((read[0].size, 3)) / 10
    responses = (read.reshape(40, -1) @ weights_of_sites).astype(np.float32)
    recording = Recording(
        responses[:, None, None, None], ids, ("a", "b", "c"), {"unit": "spikes/s"}
    )
    store.write_recording(folder / "recordings" / "array.h5", recording)
    scores = folder / "scores.parquet"
    fit_encoding(
        activations, folder / "recordings" / "array.h5", scores, folder / "predictions.h5",
        folder / "orientation.parquet", LABELS, ["ridge"], "corrected", 25, "exact", *ON_CPU, 5, 4,
        None, [], 1, 0,
    )  # fmt: skip
    mapping = folder / "own" / "mappings" / "array" / "mine" / "drawn.h5"
    keep_mapping(
        activations, folder / "recordings" / "array.h5", scores, mapping, LABELS, "ridge",
        "corrected", 25, "exact", ON_CPU[0], 5, 4, None, 0,
    )  # fmt: skip
    pictures = top / "pictures"
    (pictures / "below").mkdir(parents=True)
    Image.fromarray(pixels[0]).save(pictures / "shown before.png")
    Image.fromarray(rng.integers(0, 256, (30, 50, 3), dtype=np.uint8)).save(
        pictures / "below" / "wide.png"
    )
    return top, folder, mapping, weights, responses


def test_the_rule_and_the_function_predict_alike(results, tmp_path):
    top, folder, mapping, weights, responses = results
    found = itcortex.predict_responses(
        top / "pictures", "mine", "array", experiment="own", results=folder
    )
    assert found["image"].unique().tolist() == ["below/wide.png", "shown before.png"]
    assert found["site"].tolist() == ["a", "b", "c"] * 2
    assert set(found["unit"]) == {"spikes/s"}
    shown = found.loc[found.image == "shown before.png", "response"].to_numpy()
    # shown among 40 images to sites without noise; the layer has more features than images, so that the
    # penalty that is best for others draws this one to the mean a little
    np.testing.assert_allclose(shown, responses[0], atol=0.3 * responses.std())
    files = [tmp_path / "predicted.parquet", tmp_path / "predicted.csv"]
    names = ["below/wide.png", "shown before.png"]
    images = [top / "pictures" / name for name in names]
    predict_responses(mapping, weights, images, *files, LABELS, names, 16, "cpu", 0)
    table = store.read_table(files[0])
    pd.testing.assert_frame_equal(table[list(found)], found)
    assert set(table["model"]) == {"mine"}
    assert pd.read_csv(files[1])["response"].to_numpy() == pytest.approx(
        found["response"], rel=1e-9
    )


def test_pixels_are_as_good_as_files(results):
    top, folder, *_ = results
    pixels = np.asarray(Image.open(top / "pictures" / "shown before.png"))[None]
    options = {"experiment": "own", "results": folder}
    of_file = itcortex.predict_responses(top / "pictures", "mine", "array", **options)
    of_pixels = itcortex.predict_responses(pixels, "mine", "array", names=["x"], **options)
    # one image or two in a pass: sums in another order
    np.testing.assert_allclose(
        of_pixels["response"],
        of_file.loc[of_file.image == "shown before.png", "response"],
        rtol=1e-4,
    )


def test_the_file_says_what_it_is_of(results):
    _, about = store.read_arrays(results[2])
    assert (about["mapping"], about["n_images"], about["grid"]) == ("ridge", 40, [1, 1])
    assert about["layer"]["name"] == "3"
    assert len(about["penalties"]) == 3
    assert about["site_ids"] == ["a", "b", "c"]


def test_other_weights_are_refused(results):
    top, folder, _, weights, _ = results
    kept = weights.read_bytes()
    state, attributes = store.read_weights(weights)
    changed = {name: value + 1 for name, value in state.items()}
    store.write_weights(weights, changed, attributes)
    with pytest.raises(itcortex.UserError, match="fitted to a network with other weights"):
        itcortex.predict_responses(
            top / "pictures", "mine", "array", experiment="own", results=folder
        )
    weights.write_bytes(kept)


def test_a_folder_without_pictures_and_a_broken_one_are_named(results, tmp_path):
    options = {"experiment": "own", "results": results[1]}
    (tmp_path / "note.txt").write_text("x")
    with pytest.raises(itcortex.UserError, match="has no picture"):
        itcortex.predict_responses(tmp_path, "mine", "array", **options)
    (tmp_path / "broken.png").write_bytes(b"x")
    with pytest.raises(itcortex.UserError, match=r"broken\.png: not a readable image"):
        itcortex.predict_responses(tmp_path, "mine", "array", **options)
    with pytest.raises(itcortex.UserError, match="did you mean 'drawn'"):
        itcortex.predict_responses(tmp_path, "mine", "array", weights="drown", **options)


def test_features_from_a_folder_carry_the_names_of_its_pictures(results):
    net = Network("mine", builder=f"{results[0]}/mine.py:build").build(seed=0)
    features = itcortex.extract_features(net, results[0] / "pictures", preprocessing=PLAIN)
    assert features.image_ids == ("below/wide.png", "shown before.png")
    assert {name: maps.shape for name, maps in features.items()}["3"] == (2, 4, 4, 8)
    assert isinstance(net, torch.nn.Module)
