"""Fits on a GPU, and what happens where it is missing or too small."""

import logging

import numpy as np
import pytest
import torch

from itcortex.encoding.places import Place
from itcortex.encoding.protocols import PROTOCOLS
from itcortex.encoding.ridge_options import RidgeOptions
from itcortex.errors import UserError
from itcortex.mappings.folds import Division

pytestmark = pytest.mark.network  # loads torch


def too_large(device):
    """A fit whose arrays only the CPU's memory takes."""
    if device != "cpu":
        raise torch.cuda.OutOfMemoryError("CUDA out of memory. Tried to allocate 9.00 GiB\nmore")
    return device


def test_without_memory_auto_goes_on_with_the_cpu_and_says_so_once(caplog):
    place = Place("cuda", fall_back=True)
    with caplog.at_level(logging.WARNING):
        assert [place.run(too_large) for _ in range(2)] == ["cpu", "cpu"]
    assert [record.getMessage() for record in caplog.records] == [
        "encoding: device: auto: too little memory for this layer (CUDA out of memory. Tried to "
        "allocate 9.00 GiB); the CPU does this and all that follows"
    ]


def fitted(mapping, protocol, place, ridge, caplog, n_images=20):
    """What the log says of two layers that are fitted."""
    rng, groups = np.random.default_rng(0), np.arange(n_images) % 4
    fit = PROTOCOLS[protocol].fitter(mapping, 2, "exact", 0, nested=False, ridge=ridge, place=place)
    for _ in range(2):
        maps, responses = rng.normal(size=(n_images, 3)), rng.normal(size=(1, n_images, 1, 1, 2))
        fit(maps, responses, Division.into_folds(groups))
    return [record.getMessage() for record in caplog.records]


def test_a_precision_and_a_device_without_effect_are_told_once(caplog):
    ridge = RidgeOptions("auto", precision="float32")
    (said,) = fitted("ridge", "corrected", Place("cuda", True), ridge, caplog)
    assert "ridge: precision: float32 and device: cuda: without effect" in said
    assert "inner: auto, 20 images and 40 responses" in said and "{inner: images}" in said


def test_of_what_has_an_effect_nothing_is_told(caplog):
    assert fitted("ridge", "corrected", Place(), RidgeOptions("auto"), caplog) == []
    ridge = RidgeOptions("images", precision="float32")
    assert fitted("ridge", "corrected", Place(), ridge, caplog) == []


def test_pls_of_a_protocol_that_has_no_device_says_so_once(caplog):
    place = Place("cuda", True)
    for _ in range(2):
        PROTOCOLS["brainscore"].fitter("pls", 2, "exact", 0, place=place)
    (said,) = [record.getMessage() for record in caplog.records]
    assert "device: cuda: without effect on PLS of protocol brainscore" in said


def test_a_library_of_cuda_without_memory_for_its_workspace_is_the_same():
    def fit(device):
        if device == "cuda":
            raise RuntimeError("CUDA error: CUBLAS_STATUS_ALLOC_FAILED when calling `cublasCreate`")
        return device

    assert Place("cuda", fall_back=True).run(fit) == "cpu"
    with pytest.raises(UserError, match=r"too little memory .*CUBLAS_STATUS_ALLOC_FAILED"):
        Place("cuda").run(fit)


def test_without_memory_cuda_refuses_and_names_the_remedy():
    with pytest.raises(
        UserError, match=r"device: cuda: too little memory .*9.00 GiB.*device: auto"
    ):
        Place("cuda").run(too_large)


@pytest.mark.skipif(torch.cuda.is_available(), reason="needs a machine without a GPU")
def test_without_a_gpu_auto_goes_on_and_cuda_refuses(caplog):
    maps, responses = np.eye(8), np.ones((1, 8, 1, 1, 2))

    def fit(place):
        ridge = RidgeOptions(inner="images")
        fitter = PROTOCOLS["corrected"].fitter("ridge", 1, "exact", 0, ridge=ridge, place=place)
        return fitter(maps, responses, Division.into_folds(np.arange(8) % 4))

    assert fit(Place("cuda", fall_back=True)).penalties.shape == (1, 4, 2)
    assert "torch finds no CUDA device" in caplog.text
    with pytest.raises(UserError, match="torch finds no CUDA device"):
        fit(Place("cuda"))


@pytest.mark.parametrize("device", ["cpu:0", pytest.param("cuda", marks=pytest.mark.gpu)])
@pytest.mark.parametrize(
    ("mapping", "ridge", "tolerance"),
    [
        ("ridge", RidgeOptions(inner="images"), 1e-8),
        ("ridge", RidgeOptions(inner="images", precision="float32", lowest=1e-2), 1e-4),
        ("pls", RidgeOptions(), 1e-8),
    ],
)
def test_torch_gives_the_scores_of_numpy(mapping, ridge, tolerance, device):
    rng = np.random.default_rng(0)
    for channels in (12, 90):
        maps = rng.standard_normal((60, channels)).astype(np.float32) * np.logspace(0, -1, channels)
        sites = maps[:, :12] @ rng.standard_normal((12, 5)) + rng.standard_normal((60, 5))
        scores = []
        for place in (Place(), Place(device)):
            fit = PROTOCOLS["corrected"].fitter(mapping, 4, "exact", 0, ridge=ridge, place=place)
            division = Division.into_folds(np.arange(60) % 5)
            scores.append(fit(maps, sites[None, :, None, None], division).metrics["r"])
        np.testing.assert_allclose(*scores, atol=tolerance)


@pytest.mark.gpu
def test_a_gpu_whose_memory_is_full_is_left_for_auto_alone(caplog, rng):
    """Two megabytes of it may be taken, and a block of torch's is larger."""
    maps = rng.standard_normal((300, 4000)).astype(np.float32)
    sites = (maps[:, :20] @ rng.standard_normal((20, 5)))[None, :, None, None]
    division = Division.into_folds(np.arange(300) % 3)

    def r(place):
        ridge = RidgeOptions(inner="images")
        fit = PROTOCOLS["corrected"].fitter("ridge", 1, "exact", 0, ridge=ridge, place=place)
        return fit(maps, sites, division).metrics["r"]

    torch.cuda.empty_cache()
    torch.cuda.set_per_process_memory_fraction(2e6 / torch.cuda.mem_get_info()[1])
    try:
        with pytest.raises(UserError, match=r"device: cuda: too little memory .*device: auto"):
            r(Place("cuda"))
        place = Place("cuda", fall_back=True)
        np.testing.assert_array_equal(r(place), r(Place()))
    finally:
        torch.cuda.set_per_process_memory_fraction(1.0)
    assert place.device == "cpu" and "too little memory for this layer" in caplog.text


def test_other_errors_are_not_taken_for_a_want_of_memory():
    def broken(device):
        raise RuntimeError("something else")

    with pytest.raises(RuntimeError, match="something else"):
        Place("cuda", fall_back=True).run(broken)
