"""Activations of all layers in one pass, against independent readings of the same networks."""

import copy
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from safetensors.torch import load_file
from torch import nn

import extract_activations
import fetch_weights
from itcortex import store
from itcortex.data.stimuli import Stimuli
from itcortex.errors import UserError
from itcortex.networks.activations import extract
from itcortex.networks.layer_choice import choose_layers, named_layers
from itcortex.networks.layers import Layer
from itcortex.networks.network import Network
from itcortex.networks.preprocessing import Preprocessing
from itcortex.networks.timm_networks import build
from itcortex.numerics.resample import pool_maps
from itcortex.weights.state import digest
from made.families import FAMILIES, make

pytestmark = pytest.mark.network

ALL = [0, 1, 2, 3, 4]
PLAIN = Preprocessing((3, 8, 8), (0.0,) * 3, (1.0,) * 3, "bilinear")


def pictures(rng, count: int, size: int) -> np.ndarray:
    """Images of coloured noise on gradients, all different."""
    noise = rng.integers(0, 128, (count, size, size, 3))
    return (noise + np.linspace(0, 127, size)[:, None, None]).astype(np.uint8)


def collect(batches) -> dict[str, np.ndarray]:
    """All batches of an extraction, joined."""
    parts = [arrays for _, arrays in batches]
    return {name: np.concatenate([part[name] for part in parts]) for name in parts[0]}


def reading_of_timm(model: nn.Module, batch: torch.Tensor) -> list[np.ndarray]:
    """Maps (image, h, w, channel) by timm's `forward_intermediates`, as they are and normalised."""
    readings = []
    for norm in (False, True):
        with torch.inference_mode():
            maps = model.forward_intermediates(batch, intermediates_only=True, norm=norm)
        readings += [m.permute(0, 2, 3, 1).numpy() for m in maps]
    return readings


@pytest.mark.parametrize("family", FAMILIES, ids=lambda family: family.architecture)
def test_activations_of_every_family(family, rng):
    """Shapes; the known number of layers equals timm's own reading; one by one equals batches.

    A swap of batch and tokens, of axes of the grid, or a wrong number of prefix tokens would leave
    nothing equal. Convolutions of one and of three images round differently: 1e-4 of a layer's
    standard deviation is well above that.
    """
    model, preprocessing = make(family)
    images = pictures(rng, 3, family.size)
    layers = choose_layers(model, preprocessing.input_size)
    together = collect(extract(model, preprocessing, images, layers, batch_size=3))
    single = collect(extract(model, preprocessing, images, layers, batch_size=1))
    timm_reads = reading_of_timm(model, preprocessing(images))
    equal = 0
    for layer in layers:
        values = together[layer.name]
        tolerance = 1e-4 * values.std()
        assert values.shape == (3, layer.height, layer.width, layer.channels)
        assert values.dtype == np.float32
        assert tolerance > 0
        assert np.abs(values[0] - values[1]).max() > tolerance
        np.testing.assert_allclose(single[layer.name], values, rtol=0, atol=tolerance)
        equal += any(
            reading.shape == values.shape and np.abs(reading - values).max() < tolerance
            for reading in timm_reads
        )
    assert equal == family.matched


def test_layers_of_a_residual_network_equal_a_computation_by_hand(rng):
    """Module by module, without hooks; to rounding, since batch normalisations are folded."""
    model, preprocessing = make(FAMILIES[0])
    images = pictures(rng, 2, 96)
    layers = named_layers(
        model, preprocessing.input_size, ["layer1.0", "layer2.0.conv1", "layer2.0"]
    )
    got = collect(extract(model, preprocessing, images, layers, 2))
    with torch.inference_mode():
        stem = model.maxpool(model.act1(model.bn1(model.conv1(preprocessing(images)))))
        first = model.layer1[0](stem)
        expected = {
            "layer1.0": first,
            "layer2.0.conv1": model.layer2[0].conv1(first.clone()),
            "layer2.0": model.layer2[0](first.clone()),
        }
    for name, values in expected.items():
        wanted = values.permute(0, 2, 3, 1).numpy()
        np.testing.assert_allclose(got[name], wanted, rtol=0, atol=2e-6 * np.abs(wanted).max())


def test_a_vision_transformers_token_of_a_patch_is_at_the_patchs_place():
    """Before the first block a token knows only its own patch: a spot at (1, 4) changes only that."""
    model = build("vit_tiny_patch16_224", seed=0, img_size=(64, 96))
    preprocessing = Preprocessing((3, 64, 96), (0.5,) * 3, (0.5,) * 3, "bicubic")
    images = np.zeros((2, 64, 96, 3), np.uint8)
    images[1, 16:32, 64:80] = 255
    (layer,) = choose_layers(model, preprocessing.input_size, count=99)[:1]
    ((_, arrays),) = extract(model, preprocessing, images, [layer], 2)
    changed = np.abs(np.diff(arrays["pos_drop"], axis=0)[0]).max(-1) > 0
    assert changed.shape == (4, 6)
    assert np.argwhere(changed).tolist() == [[1, 4]]


def test_hooks_clone_so_that_work_in_place_does_not_reach_back(rng):
    """The convolution before an in-place ReLU keeps its negative values."""
    torch.manual_seed(0)
    model = nn.Sequential(nn.Conv2d(3, 4, 1), nn.ReLU(inplace=True), nn.Conv2d(4, 4, 1))
    images = pictures(rng, 2, 8)
    layers = named_layers(model, PLAIN.input_size, ["0", "1"])
    got = collect(extract(model, PLAIN, images, layers, 2))
    with torch.inference_mode():
        expected = model[0](PLAIN(images)).permute(0, 2, 3, 1).numpy()
    assert (expected < 0).any()
    np.testing.assert_array_equal(got["0"], expected)
    np.testing.assert_array_equal(got["1"], np.maximum(expected, 0))


def test_batches_begin_where_they_say(rng):
    """Seven images in batches of three: at 0, 3 and 6, the last of one image."""
    model = nn.Sequential(nn.Conv2d(3, 4, 1), nn.ReLU())
    layers = choose_layers(model, PLAIN.input_size)
    batches = list(extract(model, PLAIN, pictures(rng, 7, 8), layers, 3))
    assert [(start, len(arrays["1"])) for start, arrays in batches] == [(0, 3), (3, 3), (6, 1)]


def test_no_hook_stays_behind(rng):
    """After the last batch, after a consumer that stops early, and after an error."""
    model = nn.Sequential(nn.Conv2d(3, 4, 1), nn.ReLU())
    images = pictures(rng, 4, 8)
    layers = choose_layers(model, PLAIN.input_size)

    def hooks():
        return sum(len(module._forward_hooks) for module in model.modules())

    collect(extract(model, PLAIN, images, layers, 2))
    assert hooks() == 0
    stopped = extract(model, PLAIN, images, layers, 2)
    next(stopped)
    assert hooks() == 1
    stopped.close()
    assert hooks() == 0
    wrong = [Layer("1", "NCHW", 0, 8, 8, 5, 1.0)]
    with pytest.raises(ValueError, match=r"layer 1 put out \(4, 8, 8\), expected \(5, 8, 8\)"):
        list(extract(model, PLAIN, images, wrong, 2))
    assert hooks() == 0


def test_a_network_in_training_mode_is_read_in_evaluation_mode(rng):
    """Statistics of the batch must not enter: the same image gives the same map in any company."""
    model = nn.Sequential(nn.Conv2d(3, 4, 1), nn.BatchNorm2d(4)).train()
    images = pictures(rng, 3, 8)
    layers = choose_layers(model, PLAIN.input_size)
    together = collect(extract(model, PLAIN, images, layers, 3))["1"]
    alone = collect(extract(model, PLAIN, images[:1], layers, 3))["1"]
    np.testing.assert_allclose(alone[0], together[0], atol=1e-6)  # float32's rounding


# --- the script -----------------------------------------------------------------------------------


@pytest.fixture
def inputs(tmp_path, rng) -> dict[str, Path]:
    """Five stimuli, weights of an untrained test_resnet, and where the activations go."""
    ids = tuple(f"image{i}.png" for i in ALL)
    store.write_stimuli(tmp_path / "stimuli.h5", Stimuli(pictures(rng, 5, 40), ids))
    fetch_weights.main(
        tmp_path / "weights.safetensors", {"architecture": "test_resnet"}, "untrained:7"
    )
    return {
        "stimuli": tmp_path / "stimuli.h5",
        "weights": tmp_path / "weights.safetensors",
        "activations": tmp_path / "activations.h5",
        "notes": tmp_path / "activations.json",
    }


def run(inputs, **changes):
    """The rule's script with plain paths."""
    settings = {
        "network": {"architecture": "test_resnet"}, "layers": [], "n_layers": 10, "side": None,
        "projection": None, "dtype": "float32", "batch_size": 2, "device": "cpu", "seed": 0,
    }  # fmt: skip
    extract_activations.main(**inputs, **(settings | changes))
    return store.open_activations(inputs["activations"])


@pytest.mark.parametrize(("kind", "packed"), [("cpu", True), ("cuda", False)])
def test_beside_a_gpu_a_file_is_not_packed(inputs, monkeypatch, kind, packed):
    """On a CPU the network takes longer than packing, and a smaller file is worth more."""
    real, asked = extract_activations.load_network, []

    def on_device(network, weights, device, seed):
        return replace(real(network, weights, "cpu", seed), device=torch.device(kind))

    monkeypatch.setattr(extract_activations, "load_network", on_device)
    monkeypatch.setattr(extract_activations, "extract", lambda *_: iter(()))
    monkeypatch.setattr(store, "write_activations", lambda *_, packed: asked.append(packed))
    with pytest.raises(UserError, match="cannot be opened"):  # nothing was written
        run(inputs)
    assert asked == [packed]


def test_the_script_writes_what_the_stored_weights_give(inputs):
    """Values, order of layers, names of images and everything needed to do it again."""
    written = run(inputs)
    model = build("test_resnet", seed=7)
    preprocessing = Preprocessing.of(model)
    layers = choose_layers(model, preprocessing.input_size)
    stimuli = store.read_stimuli(inputs["stimuli"])
    expected = collect(extract(model, preprocessing, stimuli.images, layers, 2))
    assert written.layers == tuple(expected)
    assert written.image_ids == stimuli.image_ids
    for name, values in expected.items():
        np.testing.assert_array_equal(written.read(name, ALL), values)
    attributes = written.attributes
    assert attributes["architecture"] == "test_resnet"
    assert Network(**attributes["network"]) == Network("test_resnet")
    assert attributes["weights_digest"] == digest(load_file(inputs["weights"]))
    assert attributes["preprocessing"] == preprocessing.asdict()
    assert [Layer(**entry) for entry in attributes["layers"]] == layers


def test_the_seed_does_not_touch_stored_weights(inputs):
    """It only initialises what the file then replaces, so the files are the same byte for byte."""
    run(inputs, seed=1)
    first = inputs["activations"].read_bytes()
    run(inputs, seed=2)
    assert inputs["activations"].read_bytes() == first


def test_larger_maps_are_averaged_down_and_smaller_ones_kept(inputs):
    whole = run(inputs)
    maps = {name: whole.read(name, ALL) for name in whole.layers}
    small = run(inputs, side=7)
    assert small.attributes["side"] == 7
    sides = {values.shape[1] for values in maps.values()}
    assert max(sides) > 7 >= min(sides)
    for name, values in maps.items():
        found = small.read(name, ALL)
        if values.shape[1] <= 7:
            np.testing.assert_array_equal(found, values)
            continue
        assert found.shape[1:3] == (7, 7)
        step = values.shape[1] // 7
        if values.shape[1] == 7 * step:  # whole cells: plain means of blocks
            blocks = values.reshape(5, 7, step, 7, step, -1).mean((2, 4))
            np.testing.assert_allclose(found, blocks, rtol=1e-4, atol=1e-6)  # float32


def test_half_precision_is_near_single_precision(inputs):
    """float16 has 11 bits: a relative error of 2^-11, or 2^-25 near zero."""
    single = run(inputs)
    expected = {name: single.read(name, ALL) for name in single.layers}
    half = run(inputs, dtype="float16")
    for name, values in expected.items():
        got = half.read(name, ALL)
        assert got.dtype == np.float16
        np.testing.assert_allclose(got, values, rtol=2**-11, atol=2**-25)


def test_layers_can_be_named_in_the_table(inputs):
    """They replace the rule."""
    assert run(inputs, layers=["layer3.0", "layer1.0"]).layers == ("layer1.0", "layer3.0")


def refused(inputs, match, **changes):
    """The script stops with this message and leaves no file."""
    with pytest.raises(UserError, match=match):
        run(inputs, **changes)
    assert not inputs["activations"].exists()


def test_weights_of_another_architecture_are_refused(inputs):
    """The message names the file and both architectures."""
    refused(
        inputs,
        "weights.safetensors: holds weights of 'test_resnet', not of 'test_vit'",
        network={"architecture": "test_vit"},
    )


def test_weights_that_lack_a_tensor_are_refused(inputs):
    """Loading is strict, also when the file claims to be of this architecture."""
    state, attributes = store.read_weights(inputs["weights"])
    del state["fc.bias"]
    store.write_weights(inputs["weights"], state, attributes)
    refused(inputs, r"weights.safetensors: does not fit 'test_resnet'.*fc.bias")


def test_a_missing_layer_or_device_is_refused(inputs, monkeypatch):
    """Both before anything is computed."""
    refused(inputs, "test_resnet has no layer 'layer7.0'; did you mean", layers=["layer7.0"])
    monkeypatch.setattr(torch.cuda, "device_count", lambda: 0)
    refused(inputs, "device: 'cuda' asked for", device="cuda")


@pytest.mark.gpu
@pytest.mark.parametrize("batch_size", [3, "auto"])
def test_a_gpu_gives_the_maps_of_the_cpu(batch_size, rng):
    """To TensorFloat-32, which keeps eleven bits of the factors of convolutions, layer after layer."""
    model, how = make(FAMILIES[0])
    layers = choose_layers(model, how.input_size, 10)
    images = pictures(rng, 7, 96)
    expected = collect(extract(model, how, images, layers, 3, side=3))
    there = extract(copy.deepcopy(model), how, images, layers, batch_size, "cuda", 3, threads=2)
    for name, maps in collect(there).items():
        assert np.linalg.norm(maps - expected[name]) < 1e-2 * np.linalg.norm(expected[name])


@pytest.mark.parametrize("size", [8, 9])  # averaged in whole cells, and in fractional ones
def test_maps_are_averaged_and_rounded_where_they_are_made(rng, size):
    """Equal to averaging the whole maps afterwards; a swap of rows and columns would show."""
    torch.manual_seed(0)
    model = nn.Sequential(nn.Conv2d(3, 4, (1, 3), padding=(0, 1)), nn.ReLU(inplace=True))
    how = Preprocessing((3, size, size), (0.0,) * 3, (1.0,) * 3, "bilinear")
    images = pictures(rng, 3, size)
    layers = named_layers(model, how.input_size, ["0", "1"])
    whole = collect(extract(model, how, images, layers, 2))
    small = collect(extract(model, how, images, layers, 2, side=4))
    half = collect(extract(model, how, images, layers, 2, side=4, dtype="float16"))
    for name, values in whole.items():
        np.testing.assert_allclose(small[name], pool_maps(values, 4), atol=1e-6)
        assert half[name].dtype == np.float16
        np.testing.assert_array_equal(half[name], small[name].astype(np.float16))
