"""Files of Keras weights that match no network, contradict it, or cannot be trusted."""

import shutil
from pathlib import Path

import h5py
import numpy as np
import pytest

from itcortex.errors import UserError
from itcortex.networks.torch_compat import timm
from itcortex.weights.keras import read_state
from itcortex.weights.keras_layouts import layout_of
from made import keras as made_keras
from made.keras_cases import CASES, convnext, norm

pytestmark = pytest.mark.network


def refused(path, match: str, architecture: str = "convnext_tiny", outline=None) -> None:
    with pytest.raises(UserError, match=match):
        read_state(path, architecture, outline or convnext())


# --- networks that do not match -------------------------------------------------------------------


@pytest.mark.parametrize(
    ("architecture", "reason"),
    [
        ("efficientnet_b0", "write tf_efficientnet_b0"),
        ("resnetv2_50", "the last block of a stage"),
        ("resnet50", "'same'"),
        ("resnet50.a1_in1k", "'same'"),
        ("levit_conv_128", "write levit_128"),
        ("vgg11", "did you mean 'vgg16'"),
    ],
)
def test_architectures_without_a_counterpart_are_refused_by_name(architecture, reason):
    with pytest.raises(UserError, match=reason) as error:
        layout_of(architecture)
    assert repr(architecture.partition(".")[0]) in str(error.value)


def test_the_file_of_another_network_says_what_it_seems_to_be(made):
    refused(made("levit_128")[0], "not the network of .*ConvNeXtTiny but one for levit_128")


def test_a_network_with_two_heads_is_refused_with_the_remedy(made):
    outline = timm.models.levit.LevitDistilled(
        img_size=96, embed_dim=(16, 24, 32), key_dim=8, depth=(1, 2, 1), num_heads=(2, 3, 4),
        num_classes=10,
    )  # fmt: skip
    refused(made("levit_128")[0], '"distilled": false.*head_dist', "levit_128", outline)


def test_weights_of_another_size_are_refused_by_name(made):
    outline = timm.create_model(
        "convnext_tiny", depths=(1, 2, 1, 1), dims=(8, 16, 24, 40), num_classes=10
    )
    path = made("convnext_tiny")[0]
    refused(path, r"stack4_\S+ has shape .*timm's stages.3", outline=outline)


def test_a_missing_layer_is_refused_by_name(small):
    with h5py.File(small, "a") as file:
        names = [n for n in file.attrs["layer_names"] if n != b"head_ln"]
        del file["head_ln"]
        file.attrs["layer_names"] = np.array(names)
    refused(small, "nothing for timm's head.norm.weight")


def test_a_missing_part_is_refused_by_name(made, tmp_path):
    path = shutil.copy(made("vit_base_patch16_224")[0], tmp_path / "vit.h5")
    with h5py.File(path, "a") as file:
        group = file["Transformer/encoderblock_0"]
        group.attrs["weight_names"] = [n for n in group.attrs["weight_names"] if b"/key/" not in n]
        del group["Transformer/encoderblock_0/MultiHeadDotProductAttention_1/key"]
    outline = CASES["vit_base_patch16_224"].timm()
    refused(path, r"blocks.0.attn.qkv.weight \(key\)", "vit_base_patch16_224", outline)


def test_a_layer_that_timm_has_not_is_refused_by_name(small):
    """keras.applications normalises images inside the network: the mean is a weight."""
    with h5py.File(small, "a") as file:
        group = file.create_group("normalization")
        group["normalization/mean:0"] = np.zeros(3, np.float32)
        group.attrs["weight_names"] = [b"normalization/mean:0"]
        file.attrs["layer_names"] = np.append(file.attrs["layer_names"], b"normalization")
    refused(small, "it has normalization/mean, timm's network has no such")


# --- what the file says of its network ------------------------------------------------------------


@pytest.mark.parametrize(
    ("layer", "match"),
    [
        (norm("stack2_block1_ln", 1e-3), "'stack2_block1_ln' has epsilon 0.001.*1e-06"),
        (norm("head_ln", "small"), "model_config does not describe"),
        ({"class_name": "Rescaling", "config": {"name": "rescaling"}}, "'rescaling'.*inside"),
        (
            {"class_name": "Conv2D", "config": {"name": "a", "data_format": "channels_first"}},
            "'a' is channels_first",
        ),
        ("Dense", "model_config does not describe"),
    ],
)
def test_a_description_that_contradicts_timm_is_refused(tmp_path, layer, match):
    net, _, _ = CASES["convnext_tiny"].made()
    config = {"class_name": "Functional", "config": {"layers": [norm("stem_ln", 1e-6), layer]}}
    refused(made_keras.save_weights(net, tmp_path / "net.h5", config), match)


@pytest.mark.parametrize(
    ("text", "match"),
    [
        ("{", "is not JSON"),
        ("[" * 100_000, "is not JSON"),
        ("[]", "not a JSON object"),
        (3, "text"),
    ],
)
def test_a_description_that_is_no_json_object_is_refused(small, text, match):
    with h5py.File(small, "a") as file:
        file.attrs.create("model_config", text)
    refused(small, match)


# --- files that cannot be trusted -----------------------------------------------------------------

KERNEL = "stem_conv/stem_conv/kernel:0"


def put(file: h5py.File, value) -> None:
    del file[KERNEL]
    file[KERNEL] = value


def nan(file):
    file[KERNEL][1, 2, 0, 3] = np.nan


def virtual(file):
    layout = h5py.VirtualLayout((4, 4, 3, 8), np.float32)
    layout[:] = h5py.VirtualSource("other.h5", "x", (4, 4, 3, 8))
    del file[KERNEL]
    file.create_virtual_dataset(KERNEL, layout)


def outside(file):
    del file[KERNEL]
    file.create_dataset(KERNEL, (4, 4, 3, 8), np.float32, external=[("raw", 0, 384 * 4)])


def huge(file):
    """A petabyte, of which nothing is in the file: refused for its shape, not read."""
    del file[KERNEL]
    file.create_dataset(KERNEL, (2**20, 2**20, 8, 32), np.float32, chunks=(64, 64, 1, 1))


def empty(file):
    del file[KERNEL]
    file.create_dataset(KERNEL, data=h5py.Empty("f"))


def role(file):
    """A norm with a kernel instead of a gamma, which would have its shape."""
    file["stem_ln"].move("stem_ln/gamma:0", "stem_ln/kernel:0")
    file["stem_ln"].attrs["weight_names"] = [b"stem_ln/kernel:0", b"stem_ln/beta:0"]


def circle(file):
    file["stem_conv/again"] = file["/"]


def deleted(file):
    del file[KERNEL]


def unlisted(file):
    file["stem_conv/extra"] = np.zeros(3, np.float32)


def twice(file):
    file["stem_conv"].attrs["weight_names"] = [b"stem_conv/kernel:0", b"stem_conv/kernel:0"]


def nested(file):
    file["stem_conv/other/kernel:0"] = np.zeros(3, np.float32)
    names = [*file["stem_conv"].attrs["weight_names"], b"other/kernel:0"]
    file["stem_conv"].attrs["weight_names"] = names


def unlayered(file):
    file.attrs["layer_names"] = np.append(file.attrs["layer_names"], b"absent")


@pytest.mark.parametrize(
    ("spoil", "match"),
    [
        (nan, "1 of 384 values of stem_conv/kernel are not finite"),
        (lambda f: put(f, np.zeros((4, 4, 3, 8), int)), "stem_conv/kernel holds int64"),
        (lambda f: put(f, np.zeros((4, 4, 8, 3), "f4")), r"shape \(4, 4, 8, 3\).*\(4, 4, 3, 8\)"),
        (lambda f: put(f, h5py.SoftLink("/head_ln/head_ln/gamma:0")), "kernel:0 is a link to"),
        (lambda f: put(f, h5py.ExternalLink("/etc/x.h5", "/x")), "is a link to /etc/x.h5:/x"),
        (virtual, "stem_conv/kernel are in another file"),
        (outside, "stem_conv/kernel are in another file"),
        (huge, r"shape \(1048576, 1048576, 8, 32\)"),
        (empty, "stem_conv/kernel has no shape"),
        (role, "stem_ln/kernel has shape .* needs another kind of weight"),
        (circle, "nested more than 16 deep|more than 20000 objects"),
        (deleted, "weight stem_conv/stem_conv/kernel:0 is missing"),
        (unlisted, "holds stem_conv/extra, which Keras does not list"),
        (twice, "listed twice"),
        (nested, "two weights are called stem_conv/kernel"),
        (unlayered, "layer 'absent' is listed and is not there"),
        (lambda f: f["stem_conv"].attrs.create("weight_names", 3), "no list of names"),
        (lambda f: f.attrs.pop("layer_names"), "no Keras weights.*input_1"),
    ],
)
def test_what_keras_would_not_have_written_is_refused_by_name(small, spoil, match):
    with h5py.File(small, "a") as file:
        spoil(file)
    refused(small, match)


def test_a_link_in_place_of_all_layers_is_refused(small):
    with h5py.File(small, "a") as file:
        file["model_weights"] = h5py.ExternalLink("other.h5", "/")
    refused(small, "model_weights is a link to other.h5:/")


def test_files_that_are_no_hdf5_are_refused(small, tmp_path):
    (tmp_path / "text.h5").write_text("no HDF5")
    refused(tmp_path / "text.h5", "not a readable HDF5 file")
    whole = Path(small).read_bytes()
    (tmp_path / "cut.h5").write_bytes(whole[: len(whole) // 2])
    refused(tmp_path / "cut.h5", "not a readable HDF5 file")
    (tmp_path / "net.keras").write_bytes(b"PK")
    refused(tmp_path / "net.keras", "save_weights")


def test_a_negative_variance_is_refused(tmp_path, made):
    path = shutil.copy(made("tf_efficientnet_b0")[0], tmp_path / "b0.h5")
    with h5py.File(path, "a") as file:
        file["stem_bn/stem_bn/moving_variance:0"][3] = -0.5
    outline = CASES["tf_efficientnet_b0"].timm()
    refused(path, "stem_bn/moving_variance is negative.*-0.5", "tf_efficientnet_b0", outline)


def test_a_damaged_byte_is_no_traceback(small, tmp_path, rng):
    """Any byte of the file's structure: read with other values at most, or refused as the user's."""
    whole = bytearray(Path(small).read_bytes())
    outline, outcomes = convnext(), set()
    for place in rng.integers(0, 20_000, 60):
        damaged = bytearray(whole)
        damaged[place] ^= int(rng.integers(1, 256))
        (tmp_path / "damaged.h5").write_bytes(damaged)
        try:
            state = read_state(tmp_path / "damaged.h5", "convnext_tiny", outline)
            outcomes.add(len(state) == len(outline.state_dict()))
        except UserError as error:
            outcomes.add("damaged.h5" in str(error))
    assert outcomes == {True}


def test_a_file_is_closed_when_it_is_refused(small):
    """It can be written again at once; HDF5 locks files that are open."""
    refused(small, "not the network of", "levit_128", CASES["levit_128"].timm())
    with h5py.File(small, "a") as file:
        assert "stem_conv" in file
