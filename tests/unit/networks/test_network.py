"""Networks of users: by a builder in a file or a package, with arguments and preprocessing as JSON."""

import hashlib
import json
import subprocess
import sys
from importlib.metadata import version
from pathlib import Path

import numpy as np
import pytest
import torch

import extract_activations
import fetch_weights
from itcortex import store
from itcortex.data.stimuli import Stimuli
from itcortex.errors import UserError
from itcortex.networks.builders import builder_digest, find_builder
from itcortex.networks.layer_choice import choose_layers
from itcortex.networks.network import Network, checked_preprocessing
from itcortex.networks.preprocessing import Preprocessing
from itcortex.weights.state import digest

pytestmark = pytest.mark.network

SCRIPTS = Path(__file__).resolve().parents[3] / "scripts"

MINE = '''
"""A network of one's own."""

from dataclasses import dataclass

import torch
from torch import nn


@dataclass
class Options:
    width: "int" = 4


class Mine(nn.Module):
    def __init__(self, options):
        super().__init__()
        width = options.width
        self.stem = nn.Conv2d(3, width, 2, stride=2)
        self.body = nn.Sequential(nn.Conv2d(width, 2 * width, 2, stride=2), nn.ReLU())
        self.head = nn.Linear(2 * width, 10)

    def forward(self, images):
        maps = self.body(self.stem(images))
        if maps.isnan().any().item():  # needs values: cannot run on the meta device
            raise ValueError("not a number")
        return self.head(maps.mean((2, 3)))


def build(width=4):
    return Mine(Options(width))


def flat():
    return nn.Sequential(nn.Flatten(), nn.Linear(3 * 64, 10))


def picky():
    return nn.Conv2d(5, 4, 1)


def number():
    return 7


def fails(depth):
    raise RuntimeError("out of luck")


LIST = [1, 2]
'''
PREPROCESSING = {
    "input_size": [3, 8, 8], "mean": [0.5] * 3, "std": [0.5] * 3, "interpolation": "bilinear",
}  # fmt: skip


@pytest.fixture
def folder(tmp_path, monkeypatch) -> Path:
    """A working directory with the file networks/mine.py in it."""
    (tmp_path / "networks").mkdir()
    (tmp_path / "networks" / "mine.py").write_text(MINE)
    monkeypatch.chdir(tmp_path)
    return tmp_path


def mine(function="build", **changes) -> Network:
    """The network that a function of the file builds."""
    return Network(
        "mine", f"networks/mine.py:{function}", **({"preprocessing": PREPROCESSING} | changes)
    )


# --- builders -------------------------------------------------------------------------------------


def test_a_file_builds_a_network_with_arguments_and_layers(folder):
    """In eval mode, for any width; the layer rule reads it like one of timm's."""
    network = mine(arguments={"width": 6})
    model = network.build(seed=1)
    assert not model.training
    assert network.preprocessing_of(model) == Preprocessing(
        (3, 8, 8), (0.5,) * 3, (0.5,) * 3, "bilinear"
    )
    layers = choose_layers(network.skeleton(), (3, 8, 8))
    assert [(la.name, la.channels, la.height) for la in layers] == [
        ("stem", 6, 4),
        ("body", 12, 2),
    ]
    assert network.check() == ["stem", "body.0", "body.1", "body", "head"]


def test_the_seed_decides_the_initial_weights_of_a_builder(folder):
    """And nothing drawn outside is touched."""
    before = torch.get_rng_state()
    first, again, other = (digest(mine().build(seed).state_dict()) for seed in (1, 1, 2))
    assert first == again != other
    assert torch.equal(before, torch.get_rng_state())


HALF = """
import torch
from torch import nn


def build(dtype="float16"):
    network = nn.Sequential(nn.Conv2d(3, 4, 2, stride=2), nn.BatchNorm2d(4), nn.ReLU())
    network[1].register_buffer("exact", torch.ones(1, dtype=torch.float64))
    return network.to(getattr(torch, dtype))
"""


@pytest.mark.parametrize("dtype", ["float16", "bfloat16", "float32"])
def test_a_network_in_half_precision_is_run_in_float32_and_says_so(folder, dtype, caplog):
    """As a check and in an extraction: its own numbers, in another type."""
    caplog.set_level("INFO")
    (folder / "networks" / "half.py").write_text(HALF)
    network = Network("half", "networks/half.py:build", {"dtype": dtype}, PREPROCESSING)
    assert network.check() == ["0", "1", "2"]
    assert ("half precision; it is run in float32" in caplog.text) == (dtype != "float32")
    model = network.build(3)
    assert {p.dtype for p in model.parameters()} == {torch.float32}
    plain = Network("half", "networks/half.py:build", {"dtype": "float32"}, PREPROCESSING).build(3)
    for own, exact in zip(model.parameters(), plain.parameters(), strict=True):
        assert own.equal(exact.to(getattr(torch, dtype)).float())


def test_a_builder_of_an_installed_package_is_found():
    """Here timm's own, at a width that timm does not register."""
    network = Network(
        "mobilenetv1_025",
        "timm.models.efficientnet:_gen_mobilenet_v1",
        {"variant": "mobilenetv1_100", "channel_multiplier": 0.25, "pad_type": "same"},
    )
    assert network.build().conv_stem.weight.shape == (8, 3, 3, 3)
    assert builder_digest(network.builder) == f"timm {version('timm')}"


@pytest.mark.parametrize("installed", ["editable", "metadata beside the code", "by path alone"])
def test_changed_code_of_a_package_that_keeps_its_version_is_a_changed_builder(
    tmp_path, monkeypatch, installed
):
    """As `pip install -e` leaves it: a version, and in its list of files only a pointer to the code."""
    package, site = tmp_path / "source" / "lab_networks_x", tmp_path / "site"
    package.mkdir(parents=True)
    (package / "__init__.py").write_text("")
    (package / "parts.py").write_text("WIDTH = 4\n")
    (package / "sizes.json").write_text("[4]")
    monkeypatch.syspath_prepend(package.parent)
    metadata = {"Metadata-Version": "2.1", "Name": "lab_networks_x", "Version": "1.0"}
    written = "".join(f"{key}: {value}\n" for key, value in metadata.items())
    if installed == "editable":
        info = site / "lab_networks_x-1.0.dist-info"
        info.mkdir(parents=True)
        (info / "METADATA").write_text(written)
        (info / "top_level.txt").write_text("lab_networks_x\n")
        (info / "RECORD").write_text(
            "lab_networks_x.pth,,\nlab_networks_x-1.0.dist-info/METADATA,,\n"
        )
        monkeypatch.syspath_prepend(site)
    elif installed == "metadata beside the code":
        info = package.parent / "lab_networks_x.egg-info"
        info.mkdir()
        (info / "PKG-INFO").write_text(written)
        (info / "top_level.txt").write_text("lab_networks_x\n")
        (info / "SOURCES.txt").write_text("lab_networks_x/__init__.py\nlab_networks_x/parts.py\n")
    first = builder_digest("lab_networks_x.build:build")
    assert len(first) == 64
    (package / "__init__.py").touch()
    assert builder_digest("lab_networks_x.build:build") == first
    (package / "parts.py").write_text("WIDTH = 5\n")
    second = builder_digest("lab_networks_x.build:build")
    (package / "sizes.json").write_text("[5]")
    assert len({first, second, builder_digest("lab_networks_x.build:build")}) == 3
    assert "lab_networks_x" not in sys.modules


def test_changed_code_of_packages_that_a_builder_imports_is_a_changed_builder(folder, monkeypatch):
    """Through each other, if they are found by their path; released ones have a version instead."""
    for name, text in {"lab_y": "from lab_z.sizes import WIDTH\n", "lab_z": ""}.items():
        (folder / "source" / name).mkdir(parents=True)
        (folder / "source" / name / "__init__.py").write_text(text)
    sizes = folder / "source" / "lab_z" / "sizes.py"
    sizes.write_text("WIDTH = 4\n")
    monkeypatch.syspath_prepend(folder / "source")
    file = folder / "networks" / "uses.py"
    file.write_text(
        "import os, timm\nfrom torch import nn\n\ndef build():\n    import lab_y.parts\n"
    )
    names = ("networks/uses.py:build", "lab_y:build", "networks/mine.py:build")
    before = [builder_digest(name) for name in names]
    sizes.write_text("WIDTH = 5\n")
    after = [builder_digest(name) for name in names]
    assert [a != b for a, b in zip(before, after, strict=True)] == [True, True, False]
    assert before[2] == hashlib.sha256((folder / "networks" / "mine.py").read_bytes()).hexdigest()
    assert not {"lab_y", "lab_z"} & set(sys.modules)


def test_a_changed_file_is_a_changed_builder(folder):
    """By its content, not its date; a new file is what is built from then on."""
    path = folder / "networks" / "mine.py"
    first = builder_digest("networks/mine.py:build")
    assert first == hashlib.sha256(path.read_bytes()).hexdigest()
    path.touch()
    assert builder_digest("networks/mine.py:build") == first
    assert mine().build().head.out_features == 10
    path.write_text(MINE.replace("width, 10)", "width, 11)"))
    assert builder_digest("networks/mine.py:build") != first
    assert mine().build().head.out_features == 11
    assert builder_digest("") == ""


@pytest.mark.parametrize(
    ("builder", "message"),
    [
        ("networks/mine.py", r"must be package.module:function or path/to/file.py:function"),
        ("networks/mine.py:1x", r"must be package.module:function"),
        (
            "networks/yours.py:build",
            r"no file networks/yours.py; a path is relative to the working",
        ),
        ("networks/mine.py:bild", r"networks/mine.py has no function 'bild'; did you mean 'build'"),
        ("networks/mine.py:LIST", r"'networks/mine.py:LIST' is a list, not a function"),
        ("timm.models.efficientnet:gen", r"efficientnet has no function 'gen'; "),
        ("timm.modelz:build", r"'timm.modelz:build' cannot be imported \(No module named"),
        ("nowhere.at_all:build", r"cannot be imported \(No module named 'nowhere'\); install it"),
    ],
)
def test_builders_that_are_not_there(folder, builder, message):
    """Each with what was meant or what to do."""
    with pytest.raises(UserError, match=f"builder: .*{message}"):
        find_builder(builder)


def test_the_package_of_a_builder_must_be_installed():
    """Its version is part of what a job depends on."""
    with pytest.raises(UserError, match="no installed package has a module 'nowhere'; install it"):
        builder_digest("nowhere.at_all:build")


@pytest.mark.parametrize(
    ("function", "arguments", "message"),
    [
        ("build", {"breadth": 3}, r"arguments: .*:build' cannot be called with .*'breadth'"),
        ("fails", {}, r"arguments: .*:fails' cannot be called with no arguments .*'depth'"),
        (
            "fails",
            {"depth": 2},
            r"builder: .*:fails' fails with {'depth': 2}: RuntimeError: out of",
        ),
        ("number", {}, r"builder: .*:number' returns a int; it must return a torch.nn.Module"),
    ],
)
def test_builders_that_give_no_network(folder, function, arguments, message):
    """The user's code is at fault, and is named with its arguments."""
    with pytest.raises(UserError, match=message):
        mine(function, arguments=arguments).build()


def test_a_file_that_does_not_run_is_an_error(folder):
    """With its own words."""
    (folder / "networks" / "broken.py").write_text("import torhc\n")
    with pytest.raises(
        UserError, match=r"broken.py cannot be imported: ModuleNotFoundError: No mod"
    ):
        find_builder("networks/broken.py:build")


@pytest.mark.parametrize(
    ("function", "message"),
    [
        ("flat", "Sequential: no layer with a map of the image"),
        ("picky", r"picky: images of \(3, 8, 8\) .* cannot be run through the network: Runt"),
    ],
)
def test_networks_whose_layers_cannot_be_read(folder, function, message):
    """Found before any job."""
    with pytest.raises(UserError, match=message):
        mine(function).check()


LOOSE = """
import torch
from torch import nn
from torch.nn import functional


class Loose(nn.Module):
    def __init__(self, drop, stretch):
        super().__init__()
        self.drop, self.stretch = drop, stretch
        self.patches = nn.Conv2d(3, 16, 2, stride=2)
        self.tokens, self.mixed = nn.Identity(), nn.Linear(16, 16)
        self.joined = nn.LayerNorm(16)
        self.last = nn.Sequential(nn.Linear(16, 16), nn.ReLU())

    def forward(self, images):
        if self.stretch:
            images = (images - images.min()) / (images.max() - images.min())
        tokens = self.tokens(self.patches(images).flatten(2).transpose(1, 2))
        mixed = self.mixed(tokens.transpose(1, 2)).transpose(1, 2)
        tokens = functional.dropout(self.joined(tokens + mixed), self.drop)
        return self.last(tokens)


def build(drop=0.0, stretch=False):
    return Loose(drop, stretch)
"""


def test_a_users_network_is_tried_before_any_job(folder):
    """With values: dropout in evaluation, and 16 channels by 16 tokens that are taken for 4 x 4 x 16."""
    (folder / "networks" / "loose.py").write_text(LOOSE)
    given = {"preprocessing": PREPROCESSING, "architecture": "loose"}
    loose = Network(builder="networks/loose.py:build", **given)
    names = ["patches", "tokens", "mixed", "joined", "last.0", "last.1", "last"]
    assert loose.check() == loose.check(["tokens", "last"]) == names
    with pytest.raises(UserError, match=r"layers: 'mixed' of Loose: .*its axes cannot be told"):
        loose.check(["tokens", "mixed"])
    drops = Network(builder="networks/loose.py:build", arguments={"drop": 0.1}, **given)
    with pytest.raises(UserError, match=r"depend on chance .*after layer 'joined', at `dropout`"):
        drops.check()
    ranged = Network(builder="networks/loose.py:build", arguments={"stretch": True}, **given)
    with pytest.raises(UserError, match=r"depend on the batch .*own forward pass, at `.*sub`"):
        ranged.check(["last"])


def test_named_layers_of_timms_networks_are_tried_where_the_rule_would_not_choose(monkeypatch):
    """Those of the trunk cost nothing: the network is not even built."""
    network = Network("test_vit", preprocessing={"input_size": [3, 160, 160]})
    built = []
    build = Network.build
    monkeypatch.setattr(
        Network, "build", lambda self, seed: built.append(seed) or build(self, seed)
    )
    assert "blocks.1" in network.check(["blocks.0", "blocks.1"])
    assert built == []
    network.check(["blocks.0.attn", "blocks.1.mlp.fc1"])
    assert built == [0]


def test_a_network_without_maps_may_be_named_layers(folder):
    """Only the rule needs maps."""
    flat = mine("flat", preprocessing=PREPROCESSING)
    assert flat.check(["0", "1"]) == ["0", "1"]


def test_missing_preprocessing_is_an_error(folder):
    """The module has no configuration of timm."""
    network = mine(preprocessing={"mean": [0, 0, 0]})
    with pytest.raises(
        UserError, match=r"Mine carries .* 'input_size', 'std', 'interpolation' not"
    ):
        network.preprocessing_of(network.build())


# --- cells of the table ---------------------------------------------------------------------------

ROW = {"architecture": "resnet18", "source": "untrained:0"}


def test_a_row_becomes_a_network_of_json_values():
    """So that it can be a rule's parameter, and be made anew from there."""
    row = ROW | {"arguments": '{"num_classes": 7}', "preprocessing": '{"mean": [0, 0.5, 1]}'}
    network = Network.of_row(row)
    assert network == Network("resnet18", "", {"num_classes": 7}, {"mean": [0, 0.5, 1]})
    assert Network(**json.loads(json.dumps(network.asdict()))) == network
    assert Network.of_row(ROW) == Network("resnet18")


def test_timms_weights_bring_their_own_preprocessing():
    """The tag is part of the architecture: two sets of weights can want different images."""
    tagged = Network.of_row(ROW | {"architecture": "inception_v3", "source": "timm:gluon_in1k"})
    other = Network.of_row(ROW | {"architecture": "inception_v3", "source": "timm:tf_in1k"})
    assert tagged.architecture == "inception_v3.gluon_in1k"
    mean = [network.preprocessing_of(network.skeleton()).mean for network in (tagged, other)]
    assert mean == [(0.485, 0.456, 0.406), (0.5, 0.5, 0.5)]


@pytest.mark.parametrize(
    ("cells", "message"),
    [
        (
            {"arguments": "{pad_type: same}"},
            r"arguments: '{pad_type: same}' is not JSON .*; write {",
        ),
        ({"arguments": "[1]"}, r"arguments: '\[1\]' is not a JSON object; write {\"pad_type\""),
        ({"preprocessing": "0.5"}, r"preprocessing: '0.5' is not a JSON object; write {\"mean\""),
        ({"preprocessing": '{"men": [0, 0, 0]}'}, r"unknown key 'men'; did you mean 'mean'"),
        ({"preprocessing": '{"mean": [0, 0]}'}, r"mean: \[0, 0\] is not three numbers"),
        ({"preprocessing": '{"std": [1, 1, 0]}'}, r"std: \[1, 1, 0\] is not three numbers above 0"),
        ({"preprocessing": '{"std": [1, 1, true]}'}, r"std: \[1, 1, True\] is not three numbers"),
        (
            {"preprocessing": '{"input_size": [1, 8, 8]}'},
            r"input_size: \[1, 8, 8\] is not \[3, heig",
        ),
        (
            {"preprocessing": '{"input_size": [3, 8, 0.5]}'},
            r"input_size: .* is not \[3, height, wid",
        ),
        ({"preprocessing": '{"interpolation": "cubic"}'}, r"'cubic' is not one of \('nearest',"),
    ],
)
def test_cells_that_cannot_be_understood(cells, message):
    """Column, value and what to write."""
    with pytest.raises(UserError, match=message):
        Network.of_row(ROW | cells)


def test_all_ways_of_resizing_are_pillows():
    """What passes the check can be done."""
    from itcortex.networks.network import INTERPOLATIONS

    for name in INTERPOLATIONS:
        given = checked_preprocessing(PREPROCESSING | {"interpolation": name})
        settings = {k: tuple(v) if isinstance(v, list) else v for k, v in given.items()}
        batch = Preprocessing(**settings)(np.full((1, 9, 9, 3), 255, np.uint8))
        assert batch.unique().tolist() == [1]  # white stays white


@pytest.mark.process
def test_reading_a_row_needs_no_torch(folder):
    """The workflow reads the whole table at every start."""
    code = (
        "import sys; from itcortex.networks.builders import builder_digest;"
        "from itcortex.networks.network import Network;"
        f"Network.of_row({ROW!r}); builder_digest('networks/mine.py:build');"
        "print('torch' in sys.modules)"
    )
    done = subprocess.run(
        [sys.executable, "-c", code],
        env={"PYTHONPATH": str(SCRIPTS)}, capture_output=True, text=True, check=True,
    )  # fmt: skip
    assert done.stdout.strip() == "False"


# --- from a row to activations --------------------------------------------------------------------


def test_a_users_network_goes_the_whole_way(folder, rng):
    """Weights from a file, layers by the rule, and the same numbers as by hand."""
    network = mine(arguments={"width": 5})
    torch.save(network.build(seed=3).state_dict(), folder / "mine.pth")
    fetch_weights.main("w.safetensors", network.asdict(), "file:mine.pth", file="mine.pth")
    images = rng.integers(0, 256, (3, 12, 10, 3), dtype=np.uint8)
    store.write_stimuli("s.h5", Stimuli(images, ("a", "b", "c")))
    extract_activations.main(
        "s.h5", "w.safetensors", "a.h5", "a.json", network.asdict(), [], 10, None, None, "float32", 2,
        "cpu", 0,
    )  # fmt: skip
    written = store.open_activations("a.h5")
    assert written.layers == ("stem", "body")
    assert Network(**written.attributes["network"]) == network
    model = network.build()
    model.load_state_dict(torch.load("mine.pth", weights_only=True))
    batch = network.preprocessing_of(model)(images)
    with torch.inference_mode():
        expected = model.body(model.stem(batch)).permute(0, 2, 3, 1).numpy()
    # Batches of two and one image are summed in another order: float32's rounding
    np.testing.assert_allclose(written.read("body", [0, 1, 2]), expected, rtol=0, atol=1e-5)
