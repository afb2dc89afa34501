"""Estimates of what a training costs, before it is run: hours, GPU memory, memory of the host.

The reference point is ResNet-50 on one A100 in bfloat16: 90 epochs of ImageNet's 1,281,167 images in 15
hours (2,135 images/s; published numbers range from 1,582 to 2,470). Another network takes `step_cost`
times as long per image; another GPU is scaled by its published throughput for ResNet-50; a step with the
harmonizer takes between the two `SECOND_ORDER` factors times as long as one with cross-entropy alone. No
harmonizer step was timed on a GPU for these numbers: `benchmarks/harmonizer.py` does that.

Nothing here loads torch, because the workflow uses it to request resources for its jobs.
"""

import math
import re
from collections.abc import Sequence
from dataclasses import dataclass

import pandas as pd

from itcortex.errors import UserError, nearest
from itcortex.training.recipe import Recipe, recipe_of

#: Images a second of ResNet-50's plain training on one A100 in bfloat16: 90 epochs in 15 hours.
ANCHOR = 90 * 1_281_167 / (15 * 3600)
#: Time of a harmonizer step, relative to a plain one: by the number of operations (2.0 to 2.2), and if
#: the GPU waits for memory (estimated from PyTorch's own derivatives: 78 h for ResNet-50).
SECOND_ORDER = (2.1, 4.2)
#: Memory that a harmonizer step keeps for its derivatives, relative to a plain one: 1.8 to 3.1 counted
#: on the meta device, 1.7 to 3.1 measured on a CPU.
SECOND_ORDER_MEMORY = 3.2
#: Memory of kept feature maps in bfloat16, relative to float32: half, and what norms keep in float32.
BF16_MEMORY = 0.6
#: Speed of several GPUs divided by their number: 8 A100 SXM4 reach .90 in the source of `GPUS`.
SCALING = 0.9
#: Images a second that one worker decodes and crops: 500 to 570 of 500 x 375 pixels and 90 to 125 kB
#: were measured on a core of 2.6 GHz; a fifth is left for its other work.
DECODED = 400
_CONTEXT_GB = 1.5  # CUDA's context and workspaces of cuDNN
_PROCESS_MB, _WORKER_MB = 3000, 600  # torch with CUDA and a checkpoint's copy; a forked reader


@dataclass(frozen=True)
class Gpu:
    """A type of GPU: memory (GB), and images/s of ResNet-50's training in mixed precision and TF32.

    `tflops` is the peak of float32 without tensor cores, from the data sheet. For a GPU without
    TensorFloat-32 and bfloat16, `tf32` is its speed in float32.
    """

    memory_gb: float
    mixed: float
    tf32: float
    tflops: float
    bf16: bool = True


#: Published images/s of one GPU, measured with the same software: lambdal/deeplearning-benchmark on
#: GitHub, pytorch-train-throughput-fp16.csv and -fp32.csv, column resnet50 (NVIDIA's code, PyTorch 1.13)
#: Two are not in these tables: the L40S is scaled from the RTX 6000 Ada by memory bandwidth (864 of 960
#: GB/s), and the H200 is given the speed of the H100, which has the same compute units.
GPUS = {
    "v100": Gpu(16, 833, 369, 15.7, bf16=False),
    "a10": Gpu(24, 638, 349, 31.2),
    "rtx3090": Gpu(24, 905, 513, 35.6),
    "a6000": Gpu(48, 916, 514, 38.7),
    "rtx4090": Gpu(24, 1301, 721, 82.6),
    "l40s": Gpu(48, 1031, 582, 91.6),
    "6000ada": Gpu(48, 1146, 647, 91.1),
    "a10040gb": Gpu(40, 1396, 882, 19.5),
    "a100": Gpu(80, 1582, 1066, 19.5),
    "h100pcie": Gpu(80, 1866, 1197, 51.0),
    "h100": Gpu(80, 2791, 1898, 67.0),
    "h200": Gpu(141, 2791, 1898, 67.0),
}


@dataclass(frozen=True)
class Size:
    """What a network costs to train, per image at its input size; `params_m` in millions.

    `step_cost` is the time of a plain step relative to ResNet-50. Published training throughputs give
    it, if both come from one table, for example from timm's
    results/benchmark-train-amp-nhwc-pt112-cu113-rtx3090.csv (ResNet-50: 1218 images/s).
    `activation_mb` is the memory that a plain step in float32 keeps of an image for its backward pass;
    for ResNet-50 it is 86 MB.
    """

    params_m: float
    step_cost: float
    activation_mb: float


@dataclass(frozen=True)
class Cost:
    """Cost of one training: hours at best and at worst, memory of each GPU and of the host.

    `loading_hours` are the hours that the workers need to read the images; the other hours include
    them.
    """

    hours_low: float
    hours_high: float
    loading_hours: float
    gpu_gb: float
    host_mb: float


def gpu_named(name: str) -> Gpu:
    """The GPU that a scheduler's name stands for: `nvidia_a100_80gb_pcie` is `a100`.

    Of several names that it contains, the longest counts. Raises `UserError` if it contains none.
    """
    plain = re.sub(r"[^a-z0-9]", "", name.lower())
    found = [known for known in GPUS if known in plain]
    if not found:
        raise UserError(
            f"gpu_model: the speed of {name!r} is not known; {nearest(plain, list(GPUS))} Or add it to "
            "GPUS in scripts/itcortex/training/cost.py, with its source"
        )
    return GPUS[max(found, key=len)]


def images_per_s(gpu: Gpu, precision: str) -> float:
    """Images/s of ResNet-50's plain training on one GPU.

    For float32 (no tensor cores) the V100's published 369 is scaled by the peak speeds, and is at most
    the speed in TF32. Raises `UserError` for bfloat16 on a GPU without it.
    """
    if precision == "bf16":
        if not gpu.bf16:
            raise UserError("precision: this GPU has no bf16; set float32")
        return ANCHOR * gpu.mixed / GPUS["a100"].mixed
    if precision == "tf32":
        return gpu.tf32
    oldest = GPUS["v100"]
    return min(gpu.tf32, oldest.tf32 * gpu.tflops / oldest.tflops)


@dataclass(frozen=True)
class Training:
    """All that the cost of one training depends on, except the GPU.

    An epoch has `images` images, and a share of `map_share` of them has a human map. Each of the
    `processes` has its own GPU, and `workers` that read images for it.
    """

    size: Size
    recipe: Recipe
    strength: float
    images: int
    map_share: float
    processes: int = 1
    workers: int = 0

    @classmethod
    def of_row(cls, row: dict, training: dict) -> "Training | None":
        """From a trained row of the model table and its settings; None if one of these facts is missing.

        The row must give `params_m`, `step_cost` and `activation_mb`. The entry must give `images`, the
        number of images without those with a human map that are mixed in.
        """
        facts = [row.get(key, math.nan) for key in ("params_m", "step_cost", "activation_mb")]
        if any(pd.isna(fact) for fact in facts) or "images" not in training:
            return None
        recipe = Recipe.of(recipe_of(row["model"], training))
        images, share = training["images"], 1.0  # without a mixture any image may have a map
        if training["labelled"] and training["mapped"]:
            share = recipe.map_share
            images = round(images / (1 - share))
        return cls(
            Size(*facts), recipe, row["strength"], images, share,
            training["processes"], training["workers"],
        )  # fmt: skip


def estimate(training: Training, gpu: Gpu) -> Cost:
    """Cost of one training; raises `UserError` for a precision that the GPU does not have."""
    processes, workers = training.processes, training.workers
    seen = training.recipe.epochs * training.images
    speed = images_per_s(gpu, training.recipe.precision) / training.size.step_cost
    speed *= processes * (SCALING if processes > 1 else 1)
    low, high = (seen / speed / 3600 * times for times in _times(training))
    loading = seen / (DECODED * processes * max(workers, 1)) / 3600
    together = max if workers else lambda *parts: sum(parts)  # workers read while the GPU computes
    low, high = together(low, loading), together(high, loading)
    memory_mb = processes * (_PROCESS_MB + workers * _WORKER_MB + 12 * training.size.params_m)
    return Cost(low, high, loading, gpu_gb(training, training.recipe.accumulation), memory_mb)


def gpu_gb(training: Training, parts: int) -> float:
    """Peak memory of one GPU in GB: weights, gradients and their copies, and the maps of one part."""
    size, recipe, processes = training.size, training.recipe, training.processes
    copies = 2 + (2 if recipe.optimizer == "adamw" else 1) + (recipe.ema > 0) + (processes > 1)
    times = SECOND_ORDER_MEMORY if training.strength > 0 else 1.0
    if training.strength > 0 and recipe.sub_batch:
        times = 1 + training.map_share * SECOND_ORDER_MEMORY
    times *= BF16_MEMORY if recipe.precision == "bf16" else 1.0
    images = recipe.batch_size / processes / parts
    weights_mb, maps_mb = 4 * copies * size.params_m, images * size.activation_mb * times
    return _CONTEXT_GB + (weights_mb + maps_mb) / 1e3


def runtime_minutes(cost: Cost, attempt: int = 1, limit_hours: float = math.inf) -> int:
    """Minutes to ask a scheduler for: the worst case, a tenth to spare, and half an hour to start.

    Every further attempt asks for more, but never for more than `limit_hours`. A job that ends at this
    limit keeps its state, and the next attempt continues.
    """
    return math.ceil(60 * min((1.1 * cost.hours_high + 0.5) * attempt, limit_hours))


def _times(training: Training) -> tuple[float, float]:
    """Time of a step relative to one with cross-entropy alone, at best and at worst."""
    if training.strength == 0:
        return 1.0, 1.0
    if training.recipe.sub_batch:
        return tuple(1 + training.map_share * times for times in SECOND_ORDER)
    return SECOND_ORDER


# --- the plan of an experiment --------------------------------------------------------------------

_COLUMNS = [
    "model", "weights", "strength", "seed", "epochs", "batch_size", "precision", "gpu_model", "gpus",
    "hours_low", "hours_high", "gpu_hours_low", "gpu_hours_high", "limited_by", "gpu_gb", "fits",
    "host_gb", "remark",
]  # fmt: skip


def plan(rows: list[dict], trainings: dict[str, dict], gpu_models: Sequence[str]) -> pd.DataFrame:
    """One row per training and type of GPU: hours, memory, whether it fits, and what to change.

    `rows` are the trained rows of the model table, `trainings` the entries of the settings by name.
    Unknown values are NaN, and `remark` says why.
    """
    pairs = [(row, name) for row in rows for name in gpu_models]
    table = [_planned(row, trainings[row["training"]], name) for row, name in pairs]
    return pd.DataFrame(table, columns=_COLUMNS)


def totals(table: pd.DataFrame) -> pd.DataFrame:
    """GPU hours of a whole plan by type of GPU; NaN if the cost of one of its trainings is not known."""
    groups = table.groupby("gpu_model", sort=False)
    return groups[["gpu_hours_low", "gpu_hours_high"]].agg(lambda hours: hours.sum(skipna=False))


def describe(table: pd.DataFrame) -> str:
    """A plan as text: every training, then the sum over all of them."""
    keys = ["model", "strength", "seed", "gpu_model", "gpus", "hours", "limited_by", "gpu_gb"]
    hours = [_range(*pair) for pair in zip(table.hours_low, table.hours_high, strict=True)]
    shown = table.assign(hours=hours)[[*keys, "host_gb", "remark"]]
    sums = totals(table)
    spans = [_range(*pair) for pair in sums.itertuples(index=False)]
    together = pd.DataFrame({"gpu_model": sums.index, "GPU hours": spans})
    form = {"index": False, "na_rep": "", "float_format": "{:.3g}".format}
    lines = (part.to_string(**form) for part in (shown, together))
    return "\n\nAll of these trainings, estimated:\n".join(lines)


def _range(low: float, high: float) -> str:
    """Two numbers of hours as text, or one if they are the same."""
    if math.isnan(low):
        return "not known"
    ends = list(dict.fromkeys(f"{hours:.1f}" for hours in (low, high)))
    return " to ".join(ends)


def _planned(row: dict, settings: dict, gpu_model: str) -> dict:
    """One row of the plan."""
    gpu, recipe = gpu_named(gpu_model), Recipe.of(recipe_of(row["model"], settings))
    processes = settings["processes"]
    record = {key: row[key] for key in ("model", "weights", "strength", "seed")}
    record |= {key: getattr(recipe, key) for key in ("epochs", "batch_size", "precision")}
    record |= {"gpu_model": gpu_model, "gpus": processes}
    training = Training.of_row(row, settings)
    if training is None:
        return record | {
            "remark": "needs step_cost, activation_mb (model table) and images (training)"
        }
    if recipe.precision == "bf16" and not gpu.bf16:
        return record | {"remark": "no bf16 on this GPU: precision: float32"}
    cost = estimate(training, gpu)
    return record | {
        "hours_low": cost.hours_low,
        "hours_high": cost.hours_high,
        "gpu_hours_low": cost.hours_low * processes,
        "gpu_hours_high": cost.hours_high * processes,
        "limited_by": "reading" if cost.loading_hours >= cost.hours_high else "GPU",
        "gpu_gb": cost.gpu_gb,
        "fits": cost.gpu_gb <= gpu.memory_gb,
        "host_gb": cost.host_mb / 1e3,
        "remark": _mend(training, gpu),
    }


def _mend(training: Training, gpu: Gpu) -> str:
    """What to change so that a training fits into the memory of a GPU; empty if it fits."""
    images = training.recipe.batch_size // training.processes
    more = range(training.recipe.accumulation, images + 1)
    fitting = (n for n in more if images % n == 0 and gpu_gb(training, n) <= gpu.memory_gb)
    parts = next(fitting, None)
    if parts is None:
        return "too large for this GPU"
    return "" if parts == training.recipe.accumulation else f"accumulation: {parts}"
