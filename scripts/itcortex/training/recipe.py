"""How a network is trained: all hyper-parameters, checked, and the learning rate of every step.

The defaults are those of the code that trained the paper's networks (see `Recipe`). What a recipe does
not hold (device, processes, workers, how often checkpoints are written) may change between a run and its
continuation.
"""

import math
from dataclasses import asdict, dataclass, fields

from itcortex.errors import UserError, nearest, said_as_text
from itcortex.harmonizer.choices import EPSILONS, SALIENCIES

OPTIMIZERS = ("sgd", "adamw")
SCHEDULES = ("step", "cosine", "constant")
PRECISIONS = ("float32", "tf32", "bf16")
#: What is learnt: the labels of the images, or the network's own predictions before the first step.
LABELS = ("given", "own")
KEPT = ("last", "best_alignment")


@dataclass(frozen=True)
class Recipe:
    """Hyper-parameters of a training. Defaults marked * are those of the published code.

    epochs : * 90 in its first version. An epoch shows every labelled image once, and images with a
        human map by `map_share`.
    batch_size : * images per step, over all processes and all `accumulation` parts.
    accumulation : number of parts that a batch is run in, if it does not fit into memory as a whole.
    optimizer : * `sgd` (Nesterov, `momentum`), or `adamw` (betas .9 and .999).
    learning_rate : * at the top of the schedule.
    warmup_epochs : * epochs over which the rate rises linearly to its top; at most `epochs`.
    schedule : * `step` (times `gamma` at every epoch of `milestones`), `cosine` to 0, or `constant`.
    weight_decay : * with sgd a term of the loss (times half the sum of squares), with adamw decoupled.
        In both cases norms, embeddings and tokens are left out (`decay.decayed_parameters`).
    label_smoothing, levels, epsilon, saliency, sub_batch : * options of `harmonizer_loss`.
    map_share : * share of an epoch's images that is drawn from the images with a human map.
    crop_scale : * range of the area of random crops, as a share of the image.
    crop_ratio, flip : * range of the crops' aspect ratio (width / height), probability of a flip.
    validation_crop : side of the central square used for validation, as a share of the shorter side;
        photographs with a human map are used whole.
    alignment_images : alignment is measured after every epoch on at most so many photographs.
    ema : decay of the running average of the weights, which is then validated and kept; 0 for none.
    clip : largest norm of the gradient; 0 for no limit.
    precision : `float32`; `tf32`, in which a GPU rounds the factors of all products to
        TensorFloat-32; or `bf16`, which runs the network and its first and second derivatives in
        bfloat16 (autocast) and the loss in float32. There is no automatic fallback: float16 is not
        offered, because it cannot hold gradients of gradients, a GPU without bfloat16 is refused, and
        if bf16 is too coarse for a network (loss not finite, or far from float32's), choose another.
    channels_last : whether images and weights are channels-last in memory; faster for convolutions.
    labels : `given` with the images, or `own`, for photographs without labels: the target of every crop
        is what the network predicted for that crop before the first step (distillation from itself), and
        the saliency is that of the class that it then ranked first, also where that class changes.
    frozen_statistics : batch norm runs in evaluation mode, with the statistics it had at the start;
        a hundred photographs cannot replace those of ImageNet. Its weights and biases learn.
    kept : which epoch's weights are kept: the `last`, or `best_alignment`: of the epochs whose agreement
        is at least `least_agreement`, the one of the best alignment on the validation images; without
        such an epoch, that of the highest agreement. Needs labels `own`.
    least_agreement : share of the validation images whose first class is still that of the network
        before training. Kept weights below it are marked as `collapsed`.
    largest_growth : every tensor of weights, and all together, may become so many times as large as at
        the start (`growth`). Beyond it the training stops, and nothing is kept of such weights.
    """

    epochs: int = 90
    batch_size: int = 1024
    accumulation: int = 1
    optimizer: str = "sgd"
    learning_rate: float = 0.7
    momentum: float = 0.9
    warmup_epochs: float = 5.0
    schedule: str = "step"
    milestones: tuple[float, ...] = (30, 60, 80)
    gamma: float = 0.1
    weight_decay: float = 1e-5
    label_smoothing: float = 0.1
    levels: int = 5
    epsilon: str = "reference"
    saliency: str = "mean"
    sub_batch: bool = False
    map_share: float = 0.2
    crop_scale: tuple[float, float] = (0.08, 1.0)
    crop_ratio: tuple[float, float] = (3 / 4, 4 / 3)
    flip: float = 0.5
    validation_crop: float = 0.875
    alignment_images: int = 1000
    ema: float = 0.0
    clip: float = 0.0
    precision: str = "float32"
    channels_last: bool = True
    labels: str = "given"
    frozen_statistics: bool = False
    kept: str = "last"
    least_agreement: float = 0.5
    largest_growth: float = 100.0

    @classmethod
    def of(cls, settings: dict) -> "Recipe":
        """The recipe given by JSON settings; settings that are not given keep their defaults.

        Raises `UserError` for an unknown setting and for a value that it cannot have.
        """
        known = {field.name: field.default for field in fields(cls)}
        for name, value in settings.items():
            if name not in known:
                raise UserError(f"recipe: unknown setting {name!r}; {nearest(name, list(known))}")
            if not _same_kind(value, known[name]):
                raise UserError(
                    f"recipe: {name}: {value!r} is not of the kind of its default, {known[name]!r}"
                    + said_as_text(value)
                )
        values = {n: tuple(v) if isinstance(v, list) else v for n, v in settings.items()}
        return cls(**values)

    def __post_init__(self):
        """Refuse a value out of range."""
        for name, (valid, wanted) in _RANGES.items():
            value = getattr(self, name)
            if not valid(value):
                raise UserError(f"recipe: {name}: {value!r} is not {wanted}")
        for name, valid in _CHOICES.items():
            value = getattr(self, name)
            if value not in valid:
                raise UserError(f"recipe: {name}: {value!r} is unknown; {nearest(value, valid)}")
        if self.batch_size % self.accumulation:
            raise UserError(
                f"recipe: batch_size {self.batch_size} cannot be run in {self.accumulation} equal "
                "parts (accumulation); choose a divisor of batch_size"
            )
        if self.warmup_epochs > self.epochs:
            raise UserError(
                f"recipe: warmup_epochs: {self.warmup_epochs:g} is more than the {self.epochs} epochs: "
                "the learning rate would not reach its top; lower it, or give more epochs"
            )

        if self.labels == "own" and self.label_smoothing:
            raise UserError(
                f"recipe: label_smoothing: {self.label_smoothing:g}, but labels: own are soft already, "
                "and smoothing would teach the network to forget them; set label_smoothing: 0"
            )
        if self.kept == "best_alignment" and self.labels != "own":
            raise UserError(
                f"recipe: kept: best_alignment needs labels: own, and they are {self.labels!r}: only "
                "there the agreement with the network before training is measured; set kept: last"
            )

    def asdict(self) -> dict:
        """The settings as JSON values."""
        return {k: list(v) if isinstance(v, tuple) else v for k, v in asdict(self).items()}


def learning_rate(recipe: Recipe, step: int, steps_per_epoch: int) -> float:
    """Learning rate of step `step`, counted from 0. It depends on nothing else: there is no state."""
    warmup = recipe.warmup_epochs * steps_per_epoch
    if step < warmup:
        return recipe.learning_rate * (step + 1) / (warmup + 1)
    if recipe.schedule == "constant":
        return recipe.learning_rate
    if recipe.schedule == "step":
        passed = sum(step >= epoch * steps_per_epoch for epoch in recipe.milestones)
        return recipe.learning_rate * recipe.gamma**passed
    done = (step - warmup) / max(recipe.epochs * steps_per_epoch - warmup, 1)
    return recipe.learning_rate * (1 + math.cos(math.pi * done)) / 2


def _same_kind(value, default) -> bool:
    """Whether a JSON value has the type of the default; whole numbers are accepted as floats."""
    if isinstance(default, tuple):
        return isinstance(value, list | tuple) and all(_same_kind(v, 1.0) for v in value)
    if isinstance(default, bool) or isinstance(value, bool):
        return isinstance(default, bool) and isinstance(value, bool)
    if isinstance(default, float):
        return isinstance(value, int | float)
    return isinstance(value, type(default))


def _at_least(low: float, open_end: bool = False) -> tuple:
    sign = "above" if open_end else "of at least"
    return (
        lambda v: math.isfinite(v) and (v > low if open_end else v >= low),
        f"a finite number {sign} {low:g}",
    )


def _is_range(values: tuple) -> bool:
    return len(values) == 2 and 0 < values[0] <= values[1] < math.inf


_SHARE = (lambda v: 0 <= v < 1, "at least 0 and below 1")
_RANGES = {
    "epochs": _at_least(1),
    "batch_size": _at_least(1),
    "accumulation": _at_least(1),
    "learning_rate": _at_least(0, open_end=True),
    "momentum": _SHARE,
    "warmup_epochs": _at_least(0),
    "milestones": (lambda v: all(n > 0 for n in v) and list(v) == sorted(v), "rising epochs"),
    "gamma": _at_least(0, open_end=True),
    "weight_decay": _at_least(0),
    "label_smoothing": _SHARE,
    "levels": _at_least(1),
    "map_share": _SHARE,
    "crop_scale": (
        lambda v: _is_range(v) and v[1] <= 1,
        "two rising shares of the area, at most 1",
    ),
    "crop_ratio": (_is_range, "two rising ratios of width to height"),
    "flip": (lambda v: 0 <= v <= 1, "a probability from 0 to 1"),
    "validation_crop": (lambda v: 0 < v <= 1, "above 0 and at most 1"),
    "alignment_images": _at_least(0),
    "ema": _SHARE,
    "clip": _at_least(0),
    "least_agreement": (lambda v: 0 <= v <= 1, "a share from 0 to 1"),
    "largest_growth": _at_least(1, open_end=True),
}
_CHOICES = {
    "optimizer": list(OPTIMIZERS),
    "schedule": list(SCHEDULES),
    "epsilon": list(EPSILONS),
    "saliency": list(SALIENCIES),
    "precision": list(PRECISIONS),
    "labels": list(LABELS),
    "kept": list(KEPT),
}


def recipe_of(model: str, training: dict) -> dict:
    """Hyper-parameters of a model: those of the training, with its changes for this model."""
    return training["recipe"] | training["recipes"].get(model, {})
