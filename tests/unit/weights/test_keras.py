"""Keras files become timm's networks: the same outputs as Keras' layers, or a refusal by name."""

import hashlib

import h5py
import numpy as np
import pytest
import torch

import fetch_weights
from itcortex import store
from itcortex.errors import UserError
from itcortex.networks.network import Network
from itcortex.weights.files import read_fitted
from itcortex.weights.keras import read_state
from itcortex.weights.keras_layouts import LAYOUTS
from itcortex.weights.sources import fetch_state
from made import keras as made_keras
from made.keras_cases import CASES, convnext, norm

pytestmark = pytest.mark.network

ARGUMENTS = {"levit_128": {"distilled": False}}  # of the full networks


# --- what is computed -----------------------------------------------------------------------------


@pytest.mark.parametrize("architecture", CASES)
def test_timm_computes_what_keras_does(made, architecture):
    """Both in float64, with the same float32 weights: equal up to the order of sums."""
    path, images, wanted = made(architecture)
    model = CASES[architecture].timm()
    model.load_state_dict(read_state(path, architecture, model), strict=True)
    with torch.inference_mode():
        found = model.double().eval()(images.permute(0, 3, 1, 2))
    assert (wanted[0] - wanted[1]).abs().mean() > 0.03  # it looks at the images
    torch.testing.assert_close(found, wanted, rtol=1e-9, atol=1e-9)


@pytest.mark.parametrize("architecture", CASES)
def test_the_layers_of_this_test_are_those_of_keras(made, architecture):
    """Six digits were kept; some packages compute their last layer in float32."""
    _, _, output = made(architecture)
    np.testing.assert_allclose(output[1, :4], CASES[architecture].golden, rtol=1e-5, atol=2e-6)


@pytest.mark.parametrize("architecture", CASES)
def test_the_full_file_of_keras_fills_the_full_network(architecture, tmp_path):
    """Names and shapes are those of Keras' own files, and every one has its place in timm."""
    net = made_keras.Net()  # shapes only; the file's zeros take no room
    logits = CASES[architecture].forward(net, net.images(1, 224))
    assert logits.shape == (1, 1000)
    listing = "\n".join(made_keras.listing(net))
    assert hashlib.sha256(listing.encode()).hexdigest() == CASES[architecture].listing
    path = made_keras.save_weights(net, tmp_path / "full.h5")
    network = Network(architecture, arguments=ARGUMENTS.get(architecture, {}))
    state, _ = read_fitted(path, network)
    wanted = network.skeleton().state_dict()
    assert list(state) == list(wanted)
    assert [v.shape for v in state.values()] == [v.shape for v in wanted.values()]


def test_every_layout_is_tested():
    assert set(CASES) == set(LAYOUTS)


def test_files_of_save_and_of_save_weights_give_the_same_state(made, tmp_path):
    """`save` adds a description and the optimiser's state, which has no place in the network."""
    net, _, _ = CASES["convnext_tiny"].made()
    config = {"class_name": "Functional", "config": {"layers": [norm("head_ln", 1e-6)]}}
    path = made_keras.save_weights(net, tmp_path / "saved.hdf5", config)
    state = read_state(path, "convnext_tiny", convnext())
    other = read_state(made("convnext_tiny")[0], "convnext_tiny", convnext())
    assert list(state) == list(other)
    assert all(torch.equal(state[name], other[name]) for name in other)


def test_long_lists_of_layers_are_joined(small):
    """Keras cuts attributes of more than 64 kB into numbered ones."""
    wanted = read_state(small, "convnext_tiny", convnext())
    with h5py.File(small, "a") as file:
        names = file.attrs["layer_names"]
        del file.attrs["layer_names"]
        file.attrs["layer_names0"], file.attrs["layer_names1"] = names[:5], names[5:]
    found = read_state(small, "convnext_tiny", convnext())
    assert all(torch.equal(found[name], wanted[name]) for name in wanted)


def test_names_that_keras_made_unique_are_the_layers_own(small):
    """A second network in one session: `stem_conv_1/kernel:0` in the group of `stem_conv`."""
    with h5py.File(small, "a") as file:
        group = file["stem_conv"]
        group.move("stem_conv", "stem_conv_1")
        group.attrs["weight_names"] = [b"stem_conv_1/kernel:0", b"stem_conv_1/bias:0"]
    assert read_state(small, "convnext_tiny", convnext())["stem.0.weight"].shape == (8, 3, 4, 4)


def test_kernels_that_are_square_are_turned(made):
    """Their shape does not tell: (in, out) in Keras, (out, in) in timm."""
    path, _, _ = made("vit_base_patch16_224")
    layer = "Transformer/encoderblock_1"
    with h5py.File(path) as file:
        query, key, value, out = (
            file[f"{layer}/{layer}/MultiHeadDotProductAttention_1/{end}/kernel:0"][:]
            for end in ("query", "key", "value", "out")
        )
    state = read_state(path, "vit_base_patch16_224", CASES["vit_base_patch16_224"].timm())
    stacked = np.concatenate([query.T, key.T, value.T])
    np.testing.assert_array_equal(state["blocks.1.attn.qkv.weight"], stacked)
    np.testing.assert_array_equal(state["blocks.1.attn.proj.weight"], out.T)


def test_a_file_source_goes_through_the_converter(tmp_path):
    """A rule's script: the state dict with the digest of the Keras file it came from."""
    net = made_keras.Net(np.random.default_rng(5))
    made_keras.efficientnet_b0(net, net.images(1, 32))
    path = made_keras.save_weights(net, tmp_path / "b0.h5")
    network, out = Network("tf_efficientnet_b0"), tmp_path / "weights.safetensors"
    digest = hashlib.sha256(path.read_bytes()).hexdigest()
    fetch_weights.main(out, network.asdict(), f"file:{path}", digest)
    state, attributes = store.read_weights(out)
    assert attributes["origin"]["sha256"] == digest
    kernel = net.layers["probs"]["probs/kernel:0"].numpy().astype(np.float32)
    np.testing.assert_array_equal(state["classifier.weight"], kernel.T)
    with pytest.raises(UserError, match="expected sha256"):
        fetch_state(f"file:{path}", network, "0" * 64)
