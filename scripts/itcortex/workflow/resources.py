"""Memory and time that jobs ask for: arithmetic on sizes, with what was measured behind it.

Memory is in MB and time in minutes, as schedulers want them. `attempt` counts from 1: a job that ran
out of either is tried again with more.
"""

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from itcortex.regression.ridge_spectrum import kept_bytes
from itcortex.training import cost

MOST_ATTEMPTS = 4  # that ask for more; a preempted job may be tried much more often
LEAST_MB = 1900  # of a job that loads a network or a recording: what is left of 2 GB
#: Taken for a network whose row of the model table gives no size.
UNKNOWN_PARAMS_M, UNKNOWN_SIDE_PX = 30, 224
RIDGE_ROWS = 4096  # that ridge regression leaves out in turn, at most
STACK_MB = 512  # of responses that are fitted at a time where folds choose the penalty
RIDGE_GFLOPS = 12  # of a core in float64 at worst, eigenvectors among them
UNKNOWN_SPLITS = 10  # where only the images tell
JOINT_FITS = 7  # of two networks on a recording (`itcortex.mappings.banded.BANDS`)
#: Maps that a network makes of one image of 224 x 224 pixels: forward only, and with its gradient.
EXTRACTION_MAPS_MB, SALIENCY_MAPS_MB = 80, 130
#: Photographs of a set with human maps, as in ClickMe; a gradient is three passes.
SALIENCY_IMAGES, SALIENCY_PASSES = 1000, 3
VALIDATION_IMAGES = 50_000  # of ImageNet
GPU_SPEED = 30  # of any GPU since 2017 over a core, by published throughputs
DIGITS_MINUTES, UNKNOWN_MINUTES = 120, 1440  # of a training on digits, and of one of unknown cost


def growth(attempt: int) -> int:
    """How many times as much a job asks for at an attempt."""
    return min(attempt, MOST_ATTEMPTS)


def rising(amount: int) -> Callable[..., int]:
    """Memory or time that a job of any size asks for, once more of it with every attempt."""

    def amount_at(wildcards, attempt: int) -> int:
        return amount * growth(attempt)

    return amount_at


def stated(value: float, otherwise: float) -> float:
    """A number of the model table, or what to take where its cell is empty (NaN)."""
    return otherwise if math.isnan(value) else value


# --- encoding models ------------------------------------------------------------------------------


def encoding_mem_mb(activations_mb: float, attempt: int) -> int:
    """To fit encoding models: layers are read one by one, and pooled where there is no grid."""
    return int(max(LEAST_MB, 600 + 0.5 * activations_mb) * growth(attempt))


def encoding_minutes(activations_mb: float, attempt: int) -> int:
    """To fit encoding models: an hour, and two for 4 GB of activations (measured: .1 to .4)."""
    return int((60 + 0.03 * activations_mb) * growth(attempt))


@dataclass(frozen=True)
class RidgeSize:
    """What ridge regression that leaves out images has to do for one network and recording.

    Attributes
    ----------
    rows : images times positions of the grid.
    features : of every layer, after maps were averaged.
    sites, splits, penalties, shuffles : how many.
    value_bytes : of a number in products and eigenvectors.
    """

    rows: int
    features: tuple[int, ...]
    sites: int
    splits: int
    penalties: int
    shuffles: int
    value_bytes: int

    @property
    def left_out(self) -> int:
        """Rows that are left out in turn."""
        return min(self.rows, RIDGE_ROWS)


def ridge_mem_mb(size: RidgeSize, attempt: int) -> int:
    """To fit ridge regression that leaves out images."""
    return int(max(LEAST_MB, _ridge_mb(size)) * growth(attempt))


def _ridge_mb(size: RidgeSize) -> float:
    """Of the largest layer: features twice, products five times, rotated rows, responses six times."""
    features = max(size.features)
    features_mb = 2 * 4 * size.rows * features / 1e6
    responses_mb = (6 * 8 + 3 * 4) * size.rows * size.sites / 1e6
    return 700 + _products_mb(size, features) + features_mb + responses_mb


def _products_mb(size: RidgeSize, features: int) -> float:
    """Products five times, rotated rows, and products of what folds hold out, where they are kept."""
    side = min(size.rows, features)
    rotated = (size.left_out + size.rows / 3) * side
    kept = kept_bytes(features, size.splits, f"float{8 * size.value_bytes}")
    kept = kept if features <= size.rows else 0
    return ((5 * side**2 + rotated) * size.value_bytes + kept) / 1e6


def ridge_minutes(size: RidgeSize, attempt: int) -> int:
    """Half an hour, and the operations of all layers and of the control on one of them, at worst."""
    flops = sum(_ridge_flops(size, features, 1) for features in size.features)
    flops += _ridge_flops(size, max(size.features), size.shuffles)
    seconds = flops / (RIDGE_GFLOPS * 1e9 * 8 / size.value_bytes)
    return int((30 + seconds / 60) * growth(attempt))


def variance_mem_mb(size: RidgeSize, attempt: int) -> int:
    """Of two networks' joint fits, `features` being of the largest layer of either.

    Their maps in float32, their features and the joint ones, products five times, rotated rows;
    responses six times, errors and predictions of four models.
    """
    joint = _joint_features(size)
    features_mb = size.rows * (4 * sum(size.features) + 2 * size.value_bytes * joint) / 1e6
    responses_mb = (6 * 8 + 3 * 4 + 2 * 4 * 8) * size.rows * size.sites / 1e6
    products_mb = _products_mb(size, joint)
    needed = 700 + products_mb + features_mb + responses_mb
    return int(max(LEAST_MB, needed) * growth(attempt))


def variance_minutes(size: RidgeSize, attempt: int) -> int:
    """Half an hour, and the operations of all joint fits, at worst."""
    flops = JOINT_FITS * _ridge_flops(size, _joint_features(size), 1)
    flops += sum(
        2 * size.rows**2 * wide + 9 * size.rows**3 for wide in size.features if wide > size.rows
    )
    seconds = flops / (RIDGE_GFLOPS * 1e9 * 8 / size.value_bytes)
    return int((30 + seconds / 60) * growth(attempt))


def _joint_features(size: RidgeSize) -> int:
    """Features of both networks together, of each no more than there are rows."""
    return sum(min(features, size.rows) for features in size.features)


def pairs_mem_mb(size: RidgeSize, others_mb: float, attempt: int) -> int:
    """To predict a recording from others: the fit of all of their sites, and `others_mb` twice.

    `others_mb` are the others' responses in float64, which stay while features are made of them. Where
    folds choose the penalty, targets are fitted by 512 MB of responses, with coordinates, predictions
    and inner scores of the same size.
    """
    response_mb = 8 * size.rows * size.sites / 1e6
    stack_mb = min(STACK_MB, response_mb * (1 + size.shuffles)) + response_mb
    needed = _ridge_mb(size) + 2 * others_mb + 4 * stack_mb
    return int(max(LEAST_MB, needed) * growth(attempt))


def pairs_minutes(sizes: Sequence[RidgeSize], draws: int, attempt: int) -> int:
    """An hour, the operations of every pair with its control, and those of its curve over sites."""
    flops = 0.0
    for size in sizes:
        (features,) = size.features
        flops += _ridge_flops(size, features, 1 + size.shuffles)
        counts = [2**k for k in range(features.bit_length()) if 2**k < features]
        flops += draws * sum(_ridge_flops(size, count, 1) for count in counts)
    seconds = flops / (RIDGE_GFLOPS * 1e9 * 8 / (sizes[0].value_bytes if sizes else 8))
    return int((60 + seconds / 60) * growth(attempt))


def comparison_mem_mb(values: int, attempt: int) -> int:
    """To compare networks with other recordings: one recording of so many values, and one network.

    60 bytes a value, as measured: responses in float32 and averaged in float64, predictions, shared
    images of both, rows of real scores, and draws of an interval.
    """
    return int(max(LEAST_MB, 400 + 60 * values / 1e6) * growth(attempt))


def comparison_minutes(values: int, networks: int, attempt: int) -> int:
    """An hour, and of every network and recording 5 s, and 2 s a million of values."""
    return int((60 + (5 * networks + 2e-6 * values * networks) / 60) * growth(attempt))


def _ridge_flops(size: RidgeSize, features: int, targets: int) -> float:
    """Of one layer: products once, and for each split eigenvectors, X'Y and left-out errors."""
    side, rows, left_out = min(size.rows, features), size.rows, size.left_out
    of_target = 2 * rows * side * size.sites + 2 * left_out * side * size.sites * size.penalties
    of_split = 9 * side**3 + 2 * (left_out + rows) * side**2 + targets * of_target
    return 2 * rows * features * side + size.splits * of_split


# --- networks: `params_m` and `side_px` as the model table has them, NaN where it does not ----------


def fetching_mem_mb(params_m: float, attempt: int) -> int:
    """To fetch weights: two copies of them, as measured, and half as much to spare."""
    return int(max(LEAST_MB, 700 + 12 * stated(params_m, UNKNOWN_PARAMS_M)) * growth(attempt))


def network_mem_mb(
    params_m: float, side_px: float, maps_mb: float, batch_size: int, attempt: int
) -> int:
    """To run a network: two copies of its weights, and the maps of a batch.

    `maps_mb` are the maps of one image of 224 x 224 pixels.
    """
    weights_mb = 8 * stated(params_m, UNKNOWN_PARAMS_M)
    all_maps_mb = maps_mb * batch_size * _area(side_px)
    return int(max(LEAST_MB, 600 + weights_mb + all_maps_mb) * growth(attempt))


def seconds_an_image(params_m: float, side_px: float, on_gpu: bool) -> float:
    """Time of one image in a network, at worst: .01 s a million weights at 224 px on a core.

    Measured: MobileNets .008, ResNet-50 .15, at published speeds a 30th on any GPU since 2017.
    """
    on_core = 0.01 * stated(params_m, UNKNOWN_PARAMS_M) * _area(side_px)
    return on_core / GPU_SPEED if on_gpu else on_core


def stored_values(height: int, width: int, channels: int, side: int | None) -> int:
    """Values kept of one layer and image: maps with a larger side are averaged down to `side`."""
    sides = (height, width) if side is None else (min(height, side), min(width, side))
    return sides[0] * sides[1] * channels


def extraction_minutes(images: int, seconds: float, attempt: int) -> int:
    """To extract activations: half an hour, and twice the time of its images, `seconds` each."""
    return int((30 + images * seconds / 30) * growth(attempt))


def saliency_minutes(seconds: float, attempt: int, covering: int = 0) -> int:
    """For the saliency of as many photographs as ClickMe shows, `seconds` a pass.

    `covering` is at how many places a side a square covers them.
    """
    passes = SALIENCY_IMAGES * (SALIENCY_PASSES + covering**2)
    return int((60 + passes * seconds / 60) * growth(attempt))


def _area(side_px: float) -> float:
    """Pixels of an image over those of 224 x 224."""
    return (stated(side_px, UNKNOWN_SIDE_PX) / 224) ** 2


# --- trainings ------------------------------------------------------------------------------------


def training_minutes(estimated: cost.Cost | None, on_digits: bool, attempt: int) -> int:
    """Of a training: at worst what is estimated, two hours for digits, a day for what is unknown.

    One that is ended by its limit keeps its state: the next attempt goes on. More days than a
    partition has would wait for ever, so that an unknown one asks for no more than its day.
    """
    if estimated:
        return cost.runtime_minutes(estimated, growth(attempt))
    return DIGITS_MINUTES * growth(attempt) if on_digits else UNKNOWN_MINUTES


def training_mem_mb(estimated: cost.Cost | None, attempt: int) -> int:
    """Of a training on the host."""
    return int(max(LEAST_MB, estimated.host_mb if estimated else 0) * growth(attempt))
