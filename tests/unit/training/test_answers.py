"""What training changed in answers: by photograph, what the trainer notes the means of."""

import json

import numpy as np
import pandas as pd
import pytest
import torch
from torch.nn import functional

import compare_answers
import train_harmonized
from itcortex import store
from itcortex.errors import UserError
from itcortex.networks.network import Network
from itcortex.training import answers
from itcortex.training.images.samples import Arrays
from itcortex.training.own_labels import OwnLabels
from made.training import blobs, network, png

pytestmark = pytest.mark.network

RECIPE = {
    "labels": "own", "label_smoothing": 0, "kept": "best_alignment", "least_agreement": 0.1,
    "weight_decay": 0.0, "epsilon": "relative", "saliency": "max_abs", "epochs": 2, "batch_size": 16,
    "warmup_epochs": 1, "learning_rate": 0.1,
}  # fmt: skip
LABELS = {"model": "small", "weights": "seed-0"}


def test_means_over_photographs_are_those_of_the_kept_epoch(tmp_path):
    paths = {}
    for seed, (name, count) in enumerate({"mapped": 32, "validation": 70}.items()):
        images, _, maps = blobs(count, seed)
        table = {"image": [png(one) for one in images],
                 "map": [png((255 * one).astype(np.uint8)) for one in maps]}  # fmt: skip
        paths[name] = str(tmp_path / f"{name}.parquet")
        pd.DataFrame(table).to_parquet(paths[name])
    start, after = tmp_path / "start.safetensors", tmp_path / "seed-0.safetensors"
    state = Network(**network()).build(7).state_dict()
    store.write_weights(start, state, {"architecture": "small_net"})
    about, found = tmp_path / "seed-0.json", tmp_path / "answers.parquet"
    train_harmonized.main(
        [], paths["mapped"], paths["validation"], after, tmp_path / "history.parquet", network(), 5.0,
        0, RECIPE, "cpu", 1, 0, 100, start=[start], about=about,
    )  # fmt: skip
    for given in ((str(start), paths["validation"]), ([start], [paths["validation"]])):
        compare_answers.main(after, *given, found, LABELS, network(), RECIPE, "cpu", 0)
        table = store.read_table(found)
        said = json.loads(about.read_text())["results"]
        assert len(table) == table["image"].nunique() == 70  # more than a batch
        assert {*table["model"]} == {"small"} and {*table["weights"]} == {"seed-0"}
        assert table["same"].mean() == pytest.approx(said["validation_agreement"])
        assert table["divergence"].mean() == pytest.approx(said["validation_divergence"], rel=1e-4)
        assert table["divergence"].min() > 0


def test_a_photograph_is_compared_with_itself_before():
    """Oracle: a sum over classes; a network beside itself says the same of all."""
    net = Network(**network())
    model, other = net.build(7).eval(), net.build(8).eval()
    preprocessing = net.preprocessing_of(model)
    images, labels, maps = blobs(6, side=preprocessing.input_size[1])  # nothing is resized
    samples = Arrays(images, labels, maps)
    shown = (samples, preprocessing, 1.0, torch.device("cpu"))
    table = answers.compare_answers(other, OwnLabels(model), *shown)
    mean, std = (torch.tensor(v).view(3, 1, 1) for v in (preprocessing.mean, preprocessing.std))
    inputs = (torch.tensor(images).permute(0, 3, 1, 2) / 255 - mean) / std
    with torch.no_grad():
        before, after = functional.softmax(model(inputs), 1), functional.softmax(other(inputs), 1)
    expected = (before * (before / after).log()).sum(1).numpy()
    np.testing.assert_allclose(table["divergence"], expected, rtol=1e-3)
    assert table["same"].tolist() == (before.argmax(1) == after.argmax(1)).float().tolist()
    itself = answers.compare_answers(model, OwnLabels(model), *shown)
    assert itself["same"].tolist() == [1] * 6
    np.testing.assert_allclose(itself["divergence"], 0, atol=1e-6)


def test_without_validation_photographs_nothing_is_compared(tmp_path):
    """Before anything is loaded: neither file is there."""
    found, weights = tmp_path / "answers.parquet", tmp_path / "seed-0.safetensors"
    for none in ([], ()):
        with pytest.raises(
            UserError, match=r"validation: .*seed-0\.safetensors names no file.*give"
        ):
            compare_answers.main(weights, "start", none, found, LABELS, network(), RECIPE, "cpu", 0)
    assert not found.exists()
