"""What jobs ask for: the functions of rules/functions, called with tables and settings made here."""

import os
from functools import cache
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest

from itcortex import store
from itcortex.data.stimuli import Stimuli
from itcortex.errors import UserError
from itcortex.running import devices, partitions
from itcortex.training import cost

FUNCTIONS = Path(__file__).resolve().parents[3] / "rules" / "functions"
SMALL = {"params_m": 5.0, "input_size": 224, "training": "", "strength": 1.0, "seed": 0}
LARGE = SMALL | {"params_m": 300.0, "input_size": 448}
UNKNOWN = SMALL | {"params_m": float("nan"), "input_size": float("nan")}
TRAINED = {"model": "net", "training": "imagenet", "step_cost": 0.9, "activation_mb": 78.0}
IMAGENET = {
    "labelled": ["a"], "mapped": [], "validation": [], "images": 1_281_167, "processes": 4,
    "gpu_model": "a100", "recipe": {}, "workers": 8,
}  # fmt: skip


def functions(row: dict, **settings) -> SimpleNamespace:
    """Functions of the rules, for a job of one row of the model table."""
    config = {"device": "cpu", "activations": {"batch_size": 16}, "training": {}} | settings
    names = {
        "row": lambda wildcards: row, "config": config, "cache": cache, "cost": cost, "os": os,
        "devices": devices, "partitions": partitions, "UserError": UserError,
        "WorkflowError": RuntimeError,
    }  # fmt: skip
    for name in ("resources", "training"):
        path = FUNCTIONS / f"{name}.smk"
        exec(compile(path.read_text(), path, "exec"), names)
    return SimpleNamespace(**names)


@pytest.fixture
def shown(tmp_path):
    """The input of a job with 50 images, and its activations of 4 GB."""
    path = tmp_path / "stimuli.h5"
    images = np.zeros((50, 4, 4, 3), np.uint8)
    store.write_stimuli(path, Stimuli(images, tuple(f"image{n}" for n in range(50))))
    return SimpleNamespace(stimuli=str(path), size_mb=4000)


def test_memory_and_time_grow_with_the_network(shown):
    small, unknown, large = (
        (made.network_mem_mb(80)(None, 1), made.fetching_mem_mb(None, 1),
         made.extraction_runtime(None, shown, 1), made.saliency_runtime(None, 1))
        for made in (functions(SMALL), functions(UNKNOWN), functions(LARGE))
    )  # fmt: skip
    assert all(one < other for one, other in zip(small, large, strict=True))
    assert all(one <= other for one, other in zip(small, unknown, strict=True))
    assert large[0] == 600 + 8 * 300 + 80 * 16 * 4


def test_time_of_images_is_twice_what_is_measured_and_a_30th_on_a_gpu(shown):
    """50 images of 300 million weights at four times the area: 12 s each on a core."""
    assert functions(LARGE).extraction_runtime(None, shown, 1) == 30 + 2 * 50 * 12 // 60
    on_gpu = functions(LARGE, device="cuda")
    assert on_gpu.seconds_an_image(None) == pytest.approx(12 / 30)


def test_time_is_not_known_before_the_images_are(tmp_path):
    """Snakemake takes this error, with the very name of the input, for "to be determined"."""
    gone = SimpleNamespace(stimuli=str(tmp_path / "none.h5"))
    with pytest.raises(FileNotFoundError) as error:
        functions(SMALL).extraction_runtime(None, gone, 1)
    assert error.value.filename == gone.stimuli


def test_encoding_asks_by_the_size_of_its_activations(shown):
    made = functions(SMALL)
    assert made.encoding_mem_mb(None, shown, 1) == 2600
    assert made.encoding_runtime(None, shown, 1) == 180
    assert made.encoding_mem_mb(None, SimpleNamespace(size_mb=1), 1) == 1900


def test_every_attempt_asks_for_more_up_to_the_fourth(shown):
    """A preempted job is tried many times: the fiftieth must still fit somewhere."""
    made = functions(SMALL)
    for ask in (
        lambda n: made.rising(30)(None, n),
        lambda n: made.encoding_mem_mb(None, shown, n),
        lambda n: made.extraction_runtime(None, shown, n),
    ):
        once = ask(1)
        assert [ask(n) // once for n in (1, 2, 3, 4, 50)] == [1, 2, 3, 4, 4]


def test_a_training_asks_for_what_is_estimated_and_for_all_its_gpus():
    made = functions(SMALL | TRAINED, device="cuda", training={"imagenet": IMAGENET})
    larger = functions(
        SMALL | TRAINED | {"step_cost": 3.6}, device="cuda", training={"imagenet": IMAGENET}
    )
    assert made.training_gpus(None) == 4 and made.training_threads(None) == 4 * 9
    first = made.training_runtime(None, 1)
    assert 600 < first < larger.training_runtime(None, 1)
    assert made.training_runtime(None, 50) == made.training_runtime(None, 4) > 3.9 * first
    assert made.training_mem_mb(None, 2) == 2 * made.training_mem_mb(None, 1)


def jobs_asking(*resources: dict) -> list[SimpleNamespace]:
    """Jobs as the scheduler has them."""
    return [SimpleNamespace(resources=one) for one in resources]


def test_a_training_whose_gpus_the_run_may_not_use_is_refused(monkeypatch):
    """Snakemake would cut them to the profile's limit without a word, and the job fail inside."""
    made = functions(SMALL)
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", "0,1,2,3")
    with pytest.raises(RuntimeError, match=r"has 4 processes, .* may use 1; set `resources"):
        made.require_gpus(jobs_asking({"gpu": 1}, {"gpu": 1, "processes": 4}))
    made.require_gpus(jobs_asking({"gpu": 4, "processes": 4}, {"gpu": 0, "processes": 9}))
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", "0")
    with pytest.raises(RuntimeError, match="ask for 4 GPUs, this machine shows 1"):
        made.require_gpus(jobs_asking({"gpu": 4, "processes": 4}))


def test_a_training_of_unknown_cost_asks_for_a_day_and_no_more():
    """It goes on where its limit ended it; more days than a partition has would wait for ever."""
    made = functions(SMALL | TRAINED, training={"imagenet": IMAGENET})
    assert made.training_gpus(None) == 0
    assert {made.training_runtime(None, n) for n in (1, 2, 50)} == {1440}
    digits = functions(SMALL | TRAINED, training={"imagenet": {"digits": "d"}})
    assert digits.training_runtime(None, 1) == 120


# --- partitions -----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "minutes"),
    [("infinite", np.inf), ("30:00", 30), ("1:30:00", 90), ("3-00:00:00", 4320), ("1-02:03:30", 1563.5)],
)  # fmt: skip
def test_limits_are_read_as_slurm_prints_them(text, minutes):
    assert partitions.minutes(text) == minutes


def test_a_limit_of_another_form_is_refused():
    with pytest.raises(UserError, match="the time limit 'soon'"):
        partitions.minutes("soon")


LISTING = "short\t1:00:00\nlong\t2-00:00:00\n"


@pytest.mark.parametrize(
    ("asked", "message"),
    [
        ({"fit": (2881, None)}, "rule fit: asks for 2881 minutes, more than any partition gives"),
        ({"fit": (61, "short")}, "more than partition short gives \\(60\\)"),
    ],
)
def test_more_time_than_any_partition_gives_is_refused(asked, message):
    with pytest.raises(UserError, match=message):
        partitions.require_time(asked, LISTING)


def test_time_that_fits_or_is_not_known_is_taken():
    partitions.require_time({"a": (2880, None), "b": (60, "short"), "c": ("<TBD>", None)}, LISTING)
    partitions.require_time({"a": (99999, None)}, "all\tinfinite\n")


def test_without_slurm_it_says_so(monkeypatch, tmp_path):
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(UserError, match="sinfo: not found"):
        partitions.require_time({})
