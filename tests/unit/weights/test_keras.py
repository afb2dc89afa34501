"""Keras files become timm's networks: the same outputs as Keras' layers, or a refusal by name."""

import hashlib
import shutil
from dataclasses import dataclass
from pathlib import Path

import h5py
import numpy as np
import pytest
import torch

import fetch_weights
from itcortex import store
from itcortex.errors import UserError
from itcortex.networks.network import Network
from itcortex.networks.torch_compat import timm
from itcortex.weights.files import read_fitted
from itcortex.weights.keras import read_state
from itcortex.weights.keras_layouts import LAYOUTS, layout_of
from itcortex.weights.sources import fetch_state
from made import keras as made_keras

pytestmark = pytest.mark.network

ARGUMENTS = {"levit_128": {"distilled": False}}  # of the full networks


@dataclass(frozen=True)
class Case:
    """A small network in Keras and in timm.

    golden : the first four logits of the second image that Keras itself computed in float64
        (TensorFlow 2.15.1 with efficientnet 1.1.1, vit_keras 0.1.2, keras_cv_attention_models 1.3.9
        and 1.4.3) from the file that `made_keras` writes, loaded by name.
    listing : SHA-256 of names and shapes of all weights in the file of the full network that the
        same packages write.
    """

    forward: object
    side: int
    keras: dict
    timm: object
    golden: tuple[float, ...]
    listing: str
    gain: float = 1.4

    def made(self, classes: int = 10) -> tuple[made_keras.Net, torch.Tensor, torch.Tensor]:
        net = made_keras.Net(np.random.default_rng(5), self.gain)
        images = net.images(2, self.side)
        return net, images, self.forward(net, images, classes=classes, **self.keras)


CASES = {
    "vgg16": Case(
        made_keras.vgg16,
        224,
        {"widths": (4, 4, 8, 8, 16), "hidden": (64, 4096)},
        lambda: timm.models.vgg.VGG(
            [4, 4, "M", 4, 4, "M", 8, 8, 8, "M", 8, 8, 8, "M", 16, 16, 16, "M"],
            num_classes=10,
            mlp_ratio=1 / 64,
        ),
        (-0.310834, 1.65269, -2.1162, 1.53065),
        "41a919116548b364bf98c7a2a98eaf7e819e5c52f590ffc375f1f11b28230025",
    ),
    "tf_efficientnet_b0": Case(
        made_keras.efficientnet_b0,
        64,
        {},
        lambda: timm.create_model("tf_efficientnet_b0", num_classes=10),
        (-0.493473, -2.1084, 3.20054, -4.18786),
        "20c056f9c6a1ab27f8504e02f757dc22dfb99288265e60852e18d2455839d5f3",
    ),
    "convnext_tiny": Case(
        made_keras.convnext,
        64,
        {"depths": (1, 2, 1, 1), "widths": (8, 16, 24, 32)},
        lambda: timm.create_model(
            "convnext_tiny", depths=(1, 2, 1, 1), dims=(8, 16, 24, 32), num_classes=10
        ),
        (-0.0407977, 1.48276, 1.82113, 0.396),
        "4394a68709425bb8a8b385000f42209073c6d402ed9d839c33463e241d18624b",
    ),
    "vit_base_patch16_224": Case(
        made_keras.vit,
        48,
        {"width": 24, "depth": 2, "heads_": 3, "mlp": 40},
        lambda: timm.create_model(
            "vit_base_patch16_224", img_size=48, embed_dim=24, depth=2, num_heads=3,
            mlp_ratio=40 / 24, num_classes=10,
        ),
        (0.620683, 0.2349, 1.42145, -1.87664),
        "5704d3017e4cd096dce5caf44926950d8c65fedbbf083abbc15a2bc4ec984c6d",
    ),
    "levit_128": Case(
        made_keras.levit,
        96,
        {"stem": 16, "widths": (24, 32), "counts": (2, 3, 4), "depths": (1, 2, 1), "key": 8},
        lambda: timm.models.levit.Levit(
            img_size=96, embed_dim=(16, 24, 32), key_dim=8, depth=(1, 2, 1), num_heads=(2, 3, 4),
            num_classes=10,
        ),
        (2.6899, 1.81186, 0.194989, -2.49532),
        "50867c1ace5dafb6be2570534585ba7df63ea2d10dd629969f00dc6f7e9aa225",
        gain=1.0,
    ),
    "maxvit_tiny_tf_224": Case(
        made_keras.maxvit,
        96,
        {"depths": (1, 1, 2, 1), "widths": (32, 64, 64, 96), "stem": 16},
        lambda: timm.create_model(
            "maxvit_tiny_tf_224", img_size=96, embed_dim=(32, 64, 64, 96), depths=(1, 1, 2, 1),
            stem_width=16, head_hidden_size=96, num_classes=10,
        ),
        (2.48018, -0.232953, -0.339933, -0.229681),
        "31bf92c6ffbda4d98e26bd899471d8343088446a34917e441c0c77d81fd9897a",
    ),
}  # fmt: skip


@pytest.fixture(scope="module")
def made(tmp_path_factory):
    """{architecture: (file, images, Keras' output)}, each made once."""
    folder, cache = tmp_path_factory.mktemp("keras"), {}

    def of(architecture: str):
        if architecture not in cache:
            net, images, output = CASES[architecture].made()
            path = made_keras.save_weights(net, folder / f"{architecture}.h5")
            cache[architecture] = path, images, output
        return cache[architecture]

    return of


def convnext() -> torch.nn.Module:
    return CASES["convnext_tiny"].timm()


@pytest.fixture
def small(made, tmp_path):
    """A copy, to spoil, of the file of a small ConvNeXt."""
    return shutil.copy(made("convnext_tiny")[0], tmp_path / "convnext.h5")


def refused(path, match: str, architecture: str = "convnext_tiny", outline=None) -> None:
    with pytest.raises(UserError, match=match):
        read_state(path, architecture, outline or convnext())


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


def norm(name: str, epsilon: float) -> dict:
    config = {"name": name, "epsilon": epsilon}
    return {"class_name": "LayerNormalization", "config": config}


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
