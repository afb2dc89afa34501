"""The tables of models: the paper's 135, the robust ones it used, and a user's own in `macaque`."""

import csv
import subprocess
import sys
from collections import Counter
from pathlib import Path

import numpy as np
import pytest
import skimage.data
import sklearn.datasets
import torch
from torch.nn import functional

from itcortex.networks.layer_choice import INTERMEDIATE, choose_layers
from itcortex.networks.network import Network
from itcortex.networks.torch_compat import timm
from itcortex.weights.sources import fetch_state
from itcortex.workflow import model_table, schemas
from made.skeletons import Undrawn

pytestmark = pytest.mark.network

REPOSITORY = Path(__file__).resolve().parents[3]
TABLES = REPOSITORY / "experiments"
SCHEMA = schemas.load_yaml(REPOSITORY / "rules" / "schemas" / "models.schema.yaml")


def rows(name: str) -> list[dict]:
    """Rows of one of the project's model tables."""
    return model_table.read_models(TABLES / f"{name}.csv", SCHEMA).to_dict("records")


PAPER, ROBUST, MACAQUE = (rows(n) for n in ("paper_models", "paper_models_l2", "macaque_models"))
KEYS = ("model", "weights")

# Networks with fewer than ten places for the layer rule: few blocks, parallel streams without a
# trunk, or (Hiera) tokens that are not sorted by row.
FEWER = {
    "dla46_c.in1k": 8, "dla34.in1k": 8, "dla60.in1k": 8, "resnet10t.c3_in1k": 8,
    "crossvit_tiny_240.in1k": 6, "pnasnet5large.tf_in1k": 5, "hiera_tiny_224.mae_in1k_ft_in1k": 4,
}  # fmt: skip
STREAMS = {"crossvit_tiny_240.in1k", "pnasnet5large.tf_in1k", "hiera_tiny_224.mae_in1k_ft_in1k"}


# --- what the tables say --------------------------------------------------------------------------


def test_the_papers_table_has_its_categories_and_counts():
    """62 + 23 + 25 + 10 + 15 = 135 (paper.md), each once; the robust ones it used are 15."""
    counts = {"cnn": 62, "extra_data": 23, "vit": 25, "self_supervised": 10, "robust": 15}
    assert Counter(row["category"] for row in PAPER) == counts
    assert Counter(row["category"] for row in ROBUST) == {"robust": 15}
    both = [tuple(row[key] for key in KEYS) for row in PAPER + ROBUST]
    assert len(set(both)) == 150


def test_the_six_harmonized_architectures_have_their_baselines():
    """VGG16, LeViT-128, EfficientNet-B0, ResNet50v2, ConvNeXt-Tiny and MaxViT-Tiny."""
    named = {f"{row['model']} {row['weights']}" for row in PAPER}
    assert named >= {
        "vgg16 tv_in1k", "levit_128 fb_dist_in1k", "efficientnet_b0 ra_in1k",
        "resnetv2_50 a1h_in1k", "convnext_tiny fb_in1k", "maxvit_tiny_tf_224 in1k",
    }  # fmt: skip


def test_families_are_timms_modules():
    """Models of one module share most of their code: they are resampled together."""
    for row in PAPER:
        (module,) = (m for m in timm.list_modules() if row["model"] in timm.list_models(module=m))
        assert row["family"] == module


def test_every_row_says_what_it_was_trained_on_and_under_which_licence():
    """timm's word where it has one."""
    for row in PAPER + ROBUST:
        assert row["pretraining"]
        stated = timm.get_pretrained_cfg(Network.of_row(row).architecture).license
        if row in PAPER:
            known = stated and stated != "unknown"
            assert row["licence"] == (stated if known else "see model card")
    assert {row["licence"] for row in ROBUST} == {"mit"}


def test_the_robust_networks_are_files_of_one_repository():
    """File names as the hub has them: resnet50_l2_eps0.01.ckpt, resnet50_linf_eps4.0.ckpt."""
    for row in ROBUST:
        file = f"resnet50_{row['weights']}.ckpt"
        assert row["source"] == f"hub:madrylab/robust-imagenet-models/{file}"
    assert Counter(row["weights"].split("_")[0] for row in ROBUST) == {"l2": 10, "linf": 5}


@pytest.mark.process
def test_the_tables_are_checked_without_torch_and_in_little_time():
    """They are read at every start. 5 s allow a busy machine; 1 s is what it takes."""
    code = f"""
import sys, time; start = time.perf_counter()
from itcortex.workflow import model_table, schemas
schema = schemas.load_yaml({str(REPOSITORY / "rules/schemas/models.schema.yaml")!r})
tables = [f"{TABLES}/{{n}}.csv" for n in ("paper_models", "paper_models_l2")]
models = model_table.read_models(tables, schema)
model_table.check_models(models, {{"datasets": {{}}}})
print(len(models), "torch" in sys.modules, time.perf_counter() - start)
"""
    done = subprocess.run(
        [sys.executable, "-c", code],
        env={"PYTHONPATH": str(REPOSITORY / "scripts")}, capture_output=True, text=True, check=True,
    )  # fmt: skip
    count, torch_loaded, seconds = done.stdout.split()
    assert (count, torch_loaded) == ("150", "False")
    assert float(seconds) < 5


def test_facts_are_those_of_the_reference(shared):
    """Accuracy, parameters, size and pretraining, row by row in the same order."""
    with (shared / "data" / "paper" / "models135_timm.csv").open() as handle:
        reference = list(csv.DictReader(handle))
    for row, known in zip(PAPER, reference, strict=True):
        assert f"{row['model']}.{row['weights']}" == known["name"]
        assert row["category"] == known["category"]
        assert row["pretraining"] == known["pretraining"]
        for key in ("top1", "params_m", "input_size"):
            assert row[key] == float(known[key])
    with (shared / "data" / "paper" / "models_robust_l2.csv").open() as handle:
        reference = list(csv.DictReader(handle))
    for row, known in zip(ROBUST, reference, strict=True):
        assert f"resnet50_{row['weights']}" == known["name"]
        assert row["top1"] == float(known["imagenet_top1"])


# --- every model gives layers ---------------------------------------------------------------------


def chunks(size: int) -> list[list[dict]]:
    """The distinct networks of both tables, `size` at a time."""
    networks = {str(Network.of_row(row)): row for row in PAPER + ROBUST}
    distinct = list(networks.values())
    return [distinct[i : i + size] for i in range(0, len(distinct), size)]


@pytest.fixture(scope="module")
def seen() -> set[frozenset]:
    """Kinds of modules of the networks whose whole pass was run."""
    return set()


@pytest.mark.parametrize("chunk", chunks(8), ids=lambda chunk: chunk[0]["model"])
def test_every_network_is_built_without_weights_and_gives_layers(chunk, seen):
    """On the meta device: ten, strictly deeper each, of maps that the network's input can have."""
    for row in chunk:
        network = Network.of_row(row)
        with Undrawn():
            model = network.skeleton()
        assert all(parameter.is_meta for parameter in model.parameters())
        parameters = sum(parameter.numel() for parameter in model.parameters()) / 1e6
        assert parameters == pytest.approx(row["params_m"], abs=0.02)  # two digits are published
        size = network.preprocessing_of(model).input_size
        assert size == (3, row["input_size"], row["input_size"])

        layers = choose_layers(model, size)
        assert len(layers) == FEWER.get(network.architecture, 10)
        depths = np.array([0.0, *(layer.depth for layer in layers)])
        assert (np.diff(depths) > 0).all()
        assert depths[-1] <= 1
        assert len({layer.name for layer in layers}) == len(layers)
        for layer in layers:
            assert 1 < layer.height * layer.width <= size[1] * size[2]
            assert layer.height == layer.width  # of square images
            assert layer.channels >= 3
        by_stage = layers[0].name.startswith(INTERMEDIATE)
        assert by_stage == (network.architecture in STREAMS)
        kinds = frozenset(type(module) for module in model.modules())
        if kinds in seen:  # networks of the same modules run the same code
            continue
        seen.add(kinds)
        batch = torch.zeros(2, *size, device="meta").to(memory_format=torch.channels_last)
        with torch.inference_mode():  # as extraction runs it: a view of another layout would fail
            output = model.to(memory_format=torch.channels_last)(batch)
        assert len(output[0] if isinstance(output, tuple) else output) == 2


# --- a user's own models --------------------------------------------------------------------------

OWN = [row for row in MACAQUE if row["source"].startswith("data:")]


def test_the_macaque_experiment_has_the_demos_models_and_five_of_a_users_own():
    """The narrow ones are built by a function; the whole ones are timm's with arguments."""
    demo = rows("models")
    assert [{k: row[k] for k in KEYS} for row in MACAQUE[: len(demo)]] == [
        {k: row[k] for k in KEYS} for row in demo
    ]
    assert [(row["model"], row["top1"], bool(row["builder"])) for row in OWN] == [
        ("mobilenetv1_025_128", 39.5, True), ("mobilenetv1_050_160", 57.2, True),
        ("mobilenetv1_075_192", 66.1, True), ("mobilenetv1_100_224", 70.0, False),
        ("mobilenetv2_100_quant", 70.8, False),
    ]  # fmt: skip


def test_the_registry_has_the_files_of_the_users_own_models():
    """With the same digests: the table and the registry say the same of a file."""
    registry = schemas.load_yaml(TABLES / "datasets.yaml")
    for row in OWN:
        dataset, _, file = row["source"].removeprefix("data:").partition("/")
        assert registry["datasets"][dataset]["files"][file]["sha256"] == row["sha256"]


@pytest.mark.parametrize("row", OWN, ids=lambda row: row["model"])
def test_a_users_own_networks_give_ten_layers(row):
    """Of the row's input size."""
    network = Network.of_row(row)
    model = network.skeleton()
    size = network.preprocessing_of(model).input_size
    layers = choose_layers(model, size)
    assert len(layers) == 10
    assert size[1] == int({"mobilenetv2_100_quant": "224"}.get(row["model"], row["model"][-3:]))
    assert (layers[-1].height, layers[-1].width) == (size[1] // 32, size[2] // 32)


@pytest.mark.parametrize("row", OWN, ids=lambda row: row["model"])
def test_a_users_own_networks_recognise_photographs(shared, row):
    """Also the smallest, of 39.5 %: cat and coffee come first, palace or pagoda is among five."""
    file = shared / "data" / row["source"].removeprefix("data:")
    network = Network.of_row(row)
    state, origin = fetch_state(row["source"], network, row["sha256"], file)
    assert origin["sha256"] == row["sha256"]
    model = network.build()
    model.load_state_dict(state)
    names = timm.data.ImageNetInfo("imagenet1k")

    def top(photograph, count):
        batch = network.preprocessing_of(model)(photograph[None])
        with torch.inference_mode():
            best = model(batch)[0].topk(count).indices
        return [names.index_to_description(int(i)).split(",")[0] for i in best]

    assert top(skimage.data.chelsea(), 1) == ["Egyptian cat"]
    assert top(skimage.data.coffee(), 1) == ["espresso"]
    china = top(sklearn.datasets.load_sample_image("china.jpg"), 5)
    assert {"palace", "stupa"} & set(china)


def mobilenet_v1(state: dict, images: torch.Tensor) -> torch.Tensor:
    """MobileNetV1 written out (Howard et al. 2017, table 1), padded as TensorFlow pads even sizes."""

    def step(maps, convolution, norm, stride, groups):
        weight = state[f"{convolution}.weight"]
        if weight.shape[-1] == 3:  # SAME: one on each side; at stride 2 on the right and below only
            maps = functional.pad(maps, (0, 1, 0, 1) if stride == 2 else (1, 1, 1, 1))
        maps = functional.conv2d(maps, weight, stride=stride, groups=groups)
        parts = [state[f"{norm}.{n}"] for n in ("running_mean", "running_var", "weight", "bias")]
        return functional.batch_norm(maps, *parts).clamp(0, 6)

    maps = step(images, "conv_stem", "bn1", 2, 1)
    strides = [[1], [2, 1], [2, 1], [2, 1, 1, 1, 1, 1], [2, 1]]
    for stage, blocks in enumerate(strides):
        for number, stride in enumerate(blocks):
            block = f"blocks.{stage}.{number}"
            maps = step(maps, f"{block}.conv_dw", f"{block}.bn1", stride, maps.shape[1])
            maps = step(maps, f"{block}.conv_pw", f"{block}.bn2", 1, 1)
    return maps.mean((2, 3)) @ state["classifier.weight"].T + state["classifier.bias"]


@pytest.mark.parametrize("row", OWN[:4], ids=lambda row: row["model"])
def test_the_rows_build_mobilenet_v1_with_the_padding_of_its_weights(row, rng):
    """Width, strides, activation and padding: equal to the network written out, for any weights."""
    network = Network.of_row(row)
    model = network.build(seed=1)
    draw = torch.Generator().manual_seed(2)
    state = {
        name: torch.rand(v.shape, generator=draw) + 0.5 if name.endswith("running_var") else v
        for name, v in model.state_dict().items()
    }
    model.load_state_dict(state)
    shown = rng.integers(0, 256, (2, 50, 50, 3), dtype=np.uint8)
    batch = network.preprocessing_of(model)(shown)
    with torch.inference_mode():
        # Sums in another order: float32's rounding, relative to logits of about 1
        torch.testing.assert_close(model(batch), mobilenet_v1(state, batch), rtol=1e-4, atol=1e-5)
        unpadded = Network(
            network.architecture, network.builder,
            {k: v for k, v in network.arguments.items() if k != "pad_type"}, network.preprocessing,
        ).build()  # fmt: skip
        unpadded.load_state_dict(state)
        difference = (unpadded(batch) - mobilenet_v1(state, batch)).abs().max()
    assert difference > 100 * 1e-5  # so the comparison sees the padding
