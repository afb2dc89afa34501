"""Rows of a model table, good and bad, as `make check-models` looks at them."""

import csv
import re
import shutil

import numpy as np
import pytest
import torch

import itcortex.weights.at_hand  # noqa: F401 (h5py, when it is first read, asks the machine by a process)
from itcortex.networks.network import Network
from itcortex.networks.outline import Outline
from itcortex.simulation.scenes import photographs
from itcortex.workflow import checked_models, model_check, model_table, resources
from itcortex.workflow.model_check import Plan, check_row
from made import own_networks
from made.experiments import REPOSITORY, schema

pytestmark = pytest.mark.network

PLAN = Plan(10, None, 4, 16, False, {"scenes": 14, "faces": None}, {"array": "scenes"})


@pytest.fixture(autouse=True)
def _folder(tmp_path, monkeypatch):
    own_networks.write(tmp_path)
    monkeypatch.chdir(tmp_path)


@pytest.fixture(scope="module")
def shown():
    images = photographs(64)
    return {name: images.images[images.image_ids.index(name)] for name in model_check.MOTIFS}


def saved(path: str, classes: int, **changes) -> str:
    """A file with weights of the network `good`, some of its tensors changed."""
    state = Network("m", "nets.py:good", {"classes": classes}).build(0).state_dict()
    torch.save(state | changes, path)
    return f"file:{path}"


def test_a_good_row_is_described(shown):
    """And photographs are shown to what has 1,000 classes: these weights are drawn, and see nothing."""
    row = own_networks.row("mine", source=saved("mine.pth", 1000))
    found = check_row(row, PLAN, shown)
    assert found.faults == []
    assert found.loaded is True and found.at_hand == "mine.pth fits"
    assert [layer["layer"] for layer in found.layers] == ["a", "b"]
    assert found.layers[0]["mb_an_image"] == 16 * 16 * 8 * 4 / 1e6
    assert found.network["outputs"] == 1000 and found.network["mean"] == "0.5 0.5 0.5"
    assert set(found.classes) == set(model_check.MOTIFS)
    assert all(len(top) == 5 for top in found.classes.values())
    assert any("photographs, and a classifier of ImageNet does" in note for note in found.notes)


def test_right_and_wrong_weights_are_told_apart_by_what_they_see(shown):
    """A network whose scores say a class of the motif, in one photograph of four or in all."""

    class Says(torch.nn.Module):
        def __init__(self, numbers):
            super().__init__()
            self.numbers = torch.tensor(numbers)

        def forward(self, images):
            return torch.nn.functional.one_hot(self.numbers, 1000).float()

    right = [min(numbers) for numbers in model_check.MOTIFS.values()]
    outline = Outline.of(Network("test_resnet"))
    for numbers, noted in ((right, False), ([right[0], 600, 600, 600], True)):
        found = model_check.CheckedModel("m", "w", "here")
        model_check.recognise(found, Says(numbers), outline, shown)
        assert bool(found.notes) == noted
        assert found.classes["chelsea.png"][0] == "tabby"


@pytest.mark.parametrize(
    ("cells", "fault"),
    [
        ({"builder": "raises"}, r"nets.py:raises' fails .*: RuntimeError: no luck today"),
        (
            {"builder": "lacks"},
            r"No module named 'cornet'; install it with: pip install git",
        ),
        (
            {"builder": "my_nets.deep:build"},
            r"named 'my_nets'\); install it with: pip install my-nets",
        ),
        ({"arguments": '{"klasses": 3}'}, r"arguments: .* cannot be called with {'klasses': 3}"),
        ({"layers": "a;bb"}, r"has no layer 'bb'"),
        ({"preprocessing": ""}, r"'input_size', 'mean', 'std', 'interpolation' not given"),
        ({"source": "ten"}, r"ten.pth: does not fit .*if the file is of 10 classes"),
        (
            {"source": "wrong"},
            r"wrong.pth: does not fit .*b.weight \(16, 8, 5, 5\) stands where b.w",
        ),
        ({"measured": True}, r"top1: measure: config: accuracy: images names no folder; name one"),
    ],
)
def test_what_is_wrong_is_named_with_its_remedy(shown, cells, fault):
    sources = {
        "ten": lambda: saved("ten.pth", 10),
        "wrong": lambda: saved("wrong.pth", 1000, **{"b.weight": torch.zeros(16, 8, 5, 5)}),
    }
    if "source" in cells:
        cells = {"source": sources[cells["source"]]()}
    found = check_row(own_networks.row("mine", **cells), PLAN, shown)
    (said,) = found.faults
    assert re.search(fault, said)


def test_a_row_that_could_not_be_read_says_why_once():
    row = {"where": "m.csv: line 3", "model": "net", "weights": "w"}
    for reason in (
        "m.csv: line 3: net: source: no file a.pth",
        "m.csv: line 3: source: no file a.pth",
    ):
        assert model_check.of_refused(row | {"reason": reason}).faults == ["source: no file a.pth"]


def test_faults_do_not_hide_each_other_or_what_is_known(shown):
    """Weights that do not fit, and an accuracy that cannot be measured, of a network that is whole."""
    row = own_networks.row(
        "mine", source=saved("ten.pth", 1000), measured=True, arguments='{"classes": 10}'
    )
    found = check_row(row, PLAN, shown)
    assert len(found.faults) == 2 and found.loaded is False
    assert [layer["layer"] for layer in found.layers] == ["a", "b"]


def test_top1_is_measured_over_a_thousand_classes_only(tmp_path, shown):
    row = own_networks.row("mine", measured=True, arguments='{"classes": 10}')
    labelled = Plan(10, None, 4, 16, False, {}, {}, labelled=str(tmp_path))
    assert "the network puts out 10 values" in check_row(row, labelled, shown).faults[0]
    row = own_networks.row("mine", measured=True)
    assert "has folders of 0 classes" in check_row(row, labelled, shown).faults[0]
    stated = own_networks.row("mine", top1=93.1, arguments='{"classes": 10}')
    (note,) = check_row(stated, PLAN, shown).notes
    assert note.startswith("top1 is 93.1 and the network puts out 10 values, not 1,000 scores")


def test_sizes_that_are_not_the_networks_are_noted(shown):
    """Jobs would ask for the memory and time of another network."""
    row = own_networks.row("mine", params_m=float("nan"), input_size=224.0)
    first, second = check_row(row, PLAN, shown).notes
    assert first.startswith(
        "params_m is empty: its jobs ask for memory and time of 30, and the netw"
    )
    assert second.endswith("is 32; write 32")


def test_a_builder_that_needs_values_is_noted_and_passes(shown):
    found = check_row(own_networks.row("mine", "values"), PLAN, shown)
    assert found.faults == [] and found.network["built_on"] == "cpu"
    assert found.notes[0].startswith("built on the CPU, with values, because it cannot be built on")


def test_estimates_are_those_of_the_jobs():
    """For 14 images of one array; without a number of images, an image's."""
    plan = Plan(10, None, 4, 16, False, {"scenes": 14}, {"one": "scenes", "two": "scenes"})
    costs = model_check.estimate(30.0, 224, 200.0, plan)
    seconds = 0.01 * 30
    assert costs["seconds_an_image"] == pytest.approx(seconds)
    assert costs["disk_mb"] == 14 * 200 and costs["images"] == 14
    assert costs["minutes_extraction"] == pytest.approx(14 * seconds / 60)
    asked = resources.extraction_minutes(14, seconds, 1) + 2 * resources.encoding_minutes(2800, 1)
    assert costs["minutes_requested"] == asked
    assert costs["memory_mb"] == max(
        resources.network_mem_mb(30.0, 224, resources.EXTRACTION_MAPS_MB, 16, 1),
        resources.encoding_mem_mb(2800, 1),
    )
    assert "disk_mb" not in model_check.estimate(30.0, 224, 200.0, PLAN)


def test_the_worked_rows_of_the_template_run_offline(tmp_path, shown):
    """A file, a multiplier MobileNet, and torchvision by name: every one is built and drawn."""
    shutil.copytree(REPOSITORY / "experiments" / "networks", tmp_path / "experiments" / "networks")
    table = model_table.read_models(REPOSITORY / "experiments" / "own_models.csv", schema("models"))
    found = {}
    for row in table.to_dict("records"):
        more = {"fetched": "none", "data_file": None}
        found[row["model"]] = check_row(row | more, PLAN, shown)
    assert [said for one in found.values() for said in one.faults + one.notes] == []
    sizes = {name: (one.network["built_on"], len(one.layers)) for name, one in found.items()}
    assert sizes == {
        "small_cnn": ("meta", 4), "mobilenetv1_025": ("meta", 10), "resnet18_torchvision": ("meta", 10),
    }  # fmt: skip
    channels = [layer["channels"] for layer in found["mobilenetv1_025"].layers]
    assert channels[-1] == 256 and np.all(np.diff(channels) >= 0)
    with (REPOSITORY / "experiments" / "own_models.csv").open(newline="") as file:
        assert {row["source"] for row in csv.DictReader(file)} == {"untrained:0"}


def test_the_first_row_of_the_page_is_a_good_row(tmp_path, shown):
    """docs/own_models.md from an empty file to a checked row: its file, its row, what it promises."""
    page = (REPOSITORY / "docs" / "own_models.md").read_text()
    code, table, *_ = re.findall(r"```(?:python)?\n((?:from torch|model,).*?)```", page, re.DOTALL)
    (tmp_path / "networks").mkdir()
    (tmp_path / "networks" / "mine.py").write_text(code)
    (tmp_path / "mine.csv").write_text(table)
    (row,) = model_table.read_models(tmp_path / "mine.csv", schema("models")).to_dict("records")
    found = check_row(row | {"fetched": "none", "data_file": None}, PLAN, shown)
    assert found.faults + found.notes == []
    promised = next(line for line in page.splitlines() if line.startswith("ok  mine"))
    assert promised.split() == checked_models.text([found]).splitlines()[1].split()
