"""The script that makes the arrays of an experiment: the truth beside what is recorded."""

import numpy as np
import pytest

import fetch_weights
import simulate_recordings
from itcortex import store
from itcortex.data.published.arcaro import read_arcaro
from itcortex.data.recordings import window_average
from itcortex.data.stimuli import read_images
from itcortex.networks.layer_choice import choose_layers
from itcortex.networks.preprocessing import Preprocessing
from itcortex.networks.timm_networks import skeleton
from itcortex.simulation.arrays import SimulatedArray

pytestmark = pytest.mark.network

MAT, FOLDER = "George/george_060118_data.mat", "George/natural_test"


def planned(name, sites, mat=MAT, folder=FOLDER):
    """What the registry says of a simulated array."""
    return {"name": name, "mat": mat, "folder": folder, "sites": sites}


ARRAYS = [
    planned("ml", [3, 5]) | {"grid": [6, 5], "rf_sigma": 0.6},
    planned("pl", [0, 3]) | {"grid": [6, 5], "rf_sigma": 0.6},
    planned("red", [0, 2], "Red/r.mat", "Red/faces") | {"grid": [4, 4], "rf_sigma": 0.6},
]


@pytest.fixture(scope="module")
def simulated(tmp_path_factory):
    """Archive and truth of three small arrays that read an untrained network, made twice."""
    folder = tmp_path_factory.mktemp("simulated")
    name = "test_resnet"
    fetch_weights.main(folder / "w.safetensors", {"architecture": name}, "untrained:0")
    model = skeleton(name)
    layer = choose_layers(model, Preprocessing.of(model).input_size, 3)[1].name
    arrays = [array | {"layer": layer} for array in ARRAYS]
    for run, seed in (("a", 1), ("b", 1), ("c", 2)):
        simulate_recordings.main(
            folder / "w.safetensors",
            folder / run / "sim.zip",
            folder / run / "truth.h5",
            network={"architecture": name},
            arrays=arrays,
            repeats=500,
            size_px=64,
            seed=seed,
        )
    return folder


def test_the_script_gives_the_same_bytes_for_the_same_seed(simulated):
    for name in ("sim.zip", "truth.h5"):
        content = {run: (simulated / run / name).read_bytes() for run in "abc"}
        assert content["a"] == content["b"]
        assert content["a"] != content["c"]


@pytest.mark.parametrize("array", ARRAYS, ids=lambda array: array["name"])
def test_the_script_keeps_the_truth_of_what_the_archive_holds(simulated, array):
    arrays, attributes = store.read_arrays(simulated / "a" / "truth.h5")
    planted = SimulatedArray.from_named(arrays, array["name"])
    archive, folder = simulated / "a" / "sim.zip", array["folder"]
    recorded = read_arcaro(archive, {}, array["mat"], array["sites"], folder)
    assert recorded.responses.shape[:4] == (14, *array["grid"], 300)
    assert recorded.responses.shape[4] == array["sites"][1] - array["sites"][0]
    shown = read_images(archive, folder)
    assert set(shown.image_ids) == set(recorded.image_ids)
    rate = planted.rate(130, 170)
    noise = np.sqrt(rate.max() / 0.040 / 500)  # spikes/s, Poisson in 40 ms x 500 repeats
    assert np.abs(window_average(recorded, (130, 170)) - rate).max() < 6 * noise
    assert attributes["simulated"] is True
    assert (attributes["repeats"], attributes["seed"]) == (500, 1)
