"""Part of `gpu.py`: a harmonizer's training step over a plain one, in turns on one GPU.

Gradients of a batch are timed, without the optimiser's update, which both share.
"""

import statistics
from collections.abc import Iterator
from functools import partial

import torch
from gpu_case import Case, Run
from measure_harmonizer import StepCase, derivatives_for, make_batch, step

from itcortex.networks.preprocessing import Preprocessing
from itcortex.networks.timm_networks import build

#: Network, precision, batch, ways (of the first something is asked; 'native' is slow with groups).
_WAYS = ("cross-entropy", "harmonizer", "sub-batch")
CASES = [
    ("resnet50", "bf16", 64, (*_WAYS, "native")),
    ("resnet50", "bf16", 256, _WAYS),
    ("resnet50", "tf32", 64, (*_WAYS, "native")),
    ("resnet50", "float32", 64, _WAYS),
    ("vit_small_patch16_224", "bf16", 64, (*_WAYS, "native")),
    ("convnext_tiny", "bf16", 64, _WAYS),
    ("efficientnet_b0", "bf16", 64, _WAYS),
]
TINY = [("test_resnet", "bf16", 4, (*_WAYS, "native")), ("test_vit", "float32", 4, _WAYS)]
ROUNDS, WARM = 15, 3


def cases(run: Run) -> Iterator[Case]:
    """One for each network and precision."""
    for network, precision, batch, ways in TINY if run.tiny else CASES:
        measured = partial(measure, run, network, precision, batch, ways)
        yield Case(f"{network} {precision} {batch}", 5 if run.tiny else 15, measured)


def measure(
    run: Run, network: str, precision: str, batch: int, ways: tuple[str, ...]
) -> list[dict]:
    """Median seconds of each way's step, and its peak memory beside weights and images."""
    rounds = 2 if run.tiny else ROUNDS
    model = build(network, seed=0).to(run.device, memory_format=torch.channels_last).train()
    size = Preprocessing.of(model).input_size
    jobs = [StepCase(network, way, batch, device=run.device, precision=precision) for way in ways]
    batches = {job.way: make_batch(job, size) for job in jobs}
    seconds, rows = {job.way: [] for job in jobs}, {}
    for job in jobs:
        for _ in range(1 if run.tiny else WARM):  # kernels are loaded and chosen
            _take(run, job, model, batches)
        model.zero_grad()
        held = run.held_mb()
        run.begin_peak()
        harmonization = _take(run, job, model, batches)
        rows[job.way] = {"peak_mb": run.peak_mb(held), "harmonization": harmonization}
    for _ in range(rounds):
        for job in jobs:
            seconds[job.way].append(run.seconds(partial(_take, run, job, model, batches)))
    plain, memory = statistics.median(seconds[ways[0]]), rows[ways[0]]["peak_mb"]
    return [
        {
            "network": network, "precision": precision, "batch": batch, "maps": jobs[0].maps,
            "image": "x".join(map(str, size)), "way": way, "seconds": statistics.median(took),
            "fastest": min(took), "slowest": max(took), "rounds": rounds,
            "images_a_s": batch / statistics.median(took),
            "times_plain": statistics.median(took) / plain,
            "memory_times_plain": rows[way]["peak_mb"] / memory, **rows[way],
        }
        for way, took in seconds.items()
    ]  # fmt: skip


def _take(run: Run, job: StepCase, model: torch.nn.Module, batches: dict) -> float:
    with derivatives_for(job.way):
        return step(job, model, batches[job.way])
