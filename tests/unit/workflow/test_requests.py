"""What jobs ask for, by their wildcards and the rows and settings of an experiment."""

from types import SimpleNamespace

import numpy as np
import pytest

from itcortex import store
from itcortex.data.recordings import Recording
from itcortex.data.stimuli import Stimuli
from itcortex.workflow.requests import Requests
from made.experiments import IMAGENET, experiment

NET = {"model": "net", "weights": "in1k"}
BIG = {"model": "big", "weights": "mine"}
TRAINED = {"model": "net", "weights": "harmonized/strength-2/seed-0"}
DIGITS = {"model": "small", "weights": "harmonized/strength-1/seed-1"}
FULL = IMAGENET | {"images": 1_281_167, "processes": 4, "workers": 8, "recipe": {}}


@pytest.fixture
def shown(tmp_path):
    """The input of a job with 50 images, and its activations of 4 GB."""
    path = tmp_path / "stimuli.h5"
    images = np.zeros((50, 4, 4, 3), np.uint8)
    store.write_stimuli(path, Stimuli(images, tuple(f"image{n}" for n in range(50))))
    return SimpleNamespace(stimuli=str(path), size_mb=4000)


def with_cost(ex, step_cost=0.9):
    """An experiment whose rows say what a training costs."""
    return ex.__class__(
        ex.settings,
        ex.registry,
        ex.models.assign(step_cost=step_cost, activation_mb=78.0),
        ex.missing,
    )


def test_a_networks_requests_are_those_of_its_row(ex, job, shown):
    request, net, big = Requests(ex), job(**NET), job(**BIG)
    assert request.extraction_mem_mb(net, 1) == 600 + 8 * 5 + 80 * 16
    assert request.saliency_mem_mb(big, 2) == 2 * (600 + 8 * 300 + 130 * 16 * 4)
    assert request.fetching_mem_mb(big, 1) == 700 + 12 * 300
    assert request.extraction_runtime(big, shown, 1) == 30 + 2 * 50 * 12 // 60
    passes = 2000 + 24 * 16 * 12  # crops, and masks of the images that importance is estimated on
    assert request.concepts_runtime(big, 1) == 30 + 2 * passes * 12 // 60
    assert request.saliency_runtime(big, 1) == 60 + 3 * 1000 * 12 // 60
    assert request.encoding_mem_mb(net, shown, 1) == 2600
    assert request.encoding_runtime(net, shown, 1) == 180


def test_on_a_gpu_images_take_a_30th(job, shown):
    request = Requests(experiment(device="cuda:1"))
    assert request.extraction_runtime(job(**BIG), shown, 1) == 30 + int(2 * 50 * 0.4 / 60)


def test_time_is_not_known_before_the_images_are(ex, job, tmp_path):
    """Snakemake takes this error, with the very name of the input, for "to be determined"."""
    gone = SimpleNamespace(stimuli=str(tmp_path / "none.h5"))
    with pytest.raises(FileNotFoundError) as error:
        Requests(ex).extraction_runtime(job(**NET), gone, 1)
    assert error.value.filename == gone.stimuli


def test_a_training_asks_for_what_is_estimated_and_for_all_its_gpus(job):
    plan = experiment(device="cuda", training={"imagenet": FULL})
    request, larger = Requests(with_cost(plan)), Requests(with_cost(plan, step_cost=3.6))
    training = job(**TRAINED)
    assert request.training_gpus(training) == 4 and request.training_threads(training) == 4 * 9
    first = request.training_runtime(training, 1)
    assert 600 < first < larger.training_runtime(training, 1)
    fourth = request.training_runtime(training, 4)
    assert request.training_runtime(training, 50) == fourth > 3.9 * first
    assert request.training_mem_mb(training, 2) == 2 * request.training_mem_mb(training, 1) > 60_000
    v100 = experiment(device="cuda", training={"imagenet": FULL | {"gpu_model": "v100"}})
    assert Requests(with_cost(v100)).training_runtime(training, 1) > first


def test_on_a_cpu_the_cost_of_a_training_is_not_known(job):
    request = Requests(with_cost(experiment(training={"imagenet": FULL})))
    assert request.training_gpus(job(**TRAINED)) == 0
    assert {request.training_runtime(job(**TRAINED), n) for n in (1, 2, 50)} == {1440}
    assert request.training_runtime(job(**DIGITS), 2) == 240
    assert request.training_threads(job(**DIGITS)) == 1  # by the schema's defaults
    assert request.training_tensorboard(job(**DIGITS)) == 0


def test_a_row_without_a_size_takes_that_of_a_usual_network(ex, job):
    assert Requests(ex).extraction_mem_mb(job(**DIGITS), 1) == 600 + 8 * 30 + 80 * 16


@pytest.fixture
def fitted(tmp_path):
    """The input of a job: 40 images on a grid of 1 x 1 with 30 sites, and two layers."""
    rng = np.random.default_rng(0)
    names = tuple(f"image{n}" for n in range(40))
    responses = rng.standard_normal((40, 1, 1, 1, 30))
    store.write_recording(
        tmp_path / "r.h5", Recording(responses, names, tuple(f"s{n}" for n in range(30)))
    )
    maps = {"a": np.zeros((40, 9, 9, 4)), "b": np.zeros((40, 50))}
    store.write_activations(
        tmp_path / "a.h5", [(0, maps)], ("a", "b"), names, {"layers": []}, "float32"
    )
    return SimpleNamespace(
        recording=str(tmp_path / "r.h5"), activations=str(tmp_path / "a.h5"), size_mb=1
    )


def test_ridge_that_leaves_out_images_asks_by_its_shape(job, fitted):
    settings = experiment().settings["encoding"] | {
        "mappings": ["pls", "ridge"], "folds": 5, "ridge": {"inner": "images"}
    }  # fmt: skip
    size = Requests(experiment(encoding=settings))._ridge_size(
        job(**NET, recording="sim_m1_pl"), fitted
    )
    assert (size.rows, size.sites, size.splits, size.shuffles, size.value_bytes) == (
        40,
        30,
        5,
        20,
        8,
    )
    assert size.features == (7 * 7 * 4, 50)  # averaged to 7 x 7, as the settings say
    assert size.penalties == 9
    on_folds = experiment(encoding=settings | {"ridge": {"inner": "auto"}})
    assert Requests(on_folds)._ridge_size(job(**NET, recording="sim_m1_pl"), fitted) is None
    of_components = experiment(
        encoding=settings | {"ridge": {"inner": "auto"}}, reduce={"kind": "pca"}
    )
    assert Requests(of_components)._ridge_size(job(**NET, recording="sim_m1_pl"), fitted)


def test_two_networks_ask_by_the_largest_layers_of_both(job, fitted, tmp_path):
    names = tuple(f"image{n}" for n in range(40))
    maps = {"c": np.zeros((40, 20_000)), "d": np.zeros((40, 3))}
    store.write_activations(
        tmp_path / "b.h5", [(0, maps)], ("c", "d"), names, {"layers": []}, "float32"
    )
    both = SimpleNamespace(**vars(fitted), other_activations=str(tmp_path / "b.h5"))
    pair = job(**NET, recording="sim_m1_pl")
    settings = experiment().settings["encoding"] | {"folds": 5}
    request = Requests(experiment(encoding=settings | {"ridge": {"precision": "float32"}}))
    size = request._variance_size(pair, both)
    assert size.features == (196, 20_000) and size.rows == 40  # averaged to 7 x 7
    assert (size.sites, size.splits, size.value_bytes) == (30, 5, 4)
    both.size_mb = 10_000  # maps are read whole before they are averaged
    assert request.variance_mem_mb(pair, both, 1) == request.encoding_mem_mb(pair, both, 1)
    assert request.variance_runtime(pair, both, 1) >= request.encoding_runtime(pair, both, 1)


def test_recordings_that_predict_each_other_ask_by_the_sites_of_all_others(job, fitted, tmp_path):
    names = tuple(f"image{n}" for n in range(40))
    for name, sites in (("b", 7), ("c", 12)):
        store.write_recording(
            tmp_path / f"{name}.h5",
            Recording(np.zeros((40, 1, 1, 1, sites)), names, tuple(f"s{n}" for n in range(sites))),
        )
    fitted.others = [str(tmp_path / f"{name}.h5") for name in "bc"]
    fitted.recorded = [fitted.recording, *fitted.others]
    request, one = Requests(experiment()), job(recording="sim_m1_pl")
    assert [size.features for size in request._pair_sizes(one, fitted)] == [(7,), (12,), (19,)]
    assert request.pairs_mem_mb(one, fitted, 1) == request.comparison_mem_mb(one, fitted, 1) == 1900
    assert request.pairs_runtime(one, fitted, 2) == 120
    assert request.comparison_runtime(one, fitted, 1) == 60
    fitted.others.append(str(tmp_path / "none.h5"))
    with pytest.raises(FileNotFoundError):
        request.pairs_mem_mb(one, fitted, 1)


@pytest.mark.parametrize(
    ("networks", "encoding", "device", "gpus"),
    [
        ("cpu", "cpu", "cpu", 0), ("cuda", "cpu", "cpu", 0), ("cpu", "auto", "cpu", 0),
        ("cuda:1", "auto", "cuda:1", 1), ("cpu", "cuda", "cuda", 1), ("mps", "auto", "cpu", 0),
    ],
)  # fmt: skip
def test_encoding_asks_for_a_gpu_only_where_it_is_to_use_one(job, networks, encoding, device, gpus):
    settings = experiment().settings["encoding"] | {"device": encoding}
    request = Requests(experiment(device=networks, encoding=settings))
    assert request.encoding_device(job(**NET)) == device
    assert request.encoding_gpus(job(**NET)) == gpus
