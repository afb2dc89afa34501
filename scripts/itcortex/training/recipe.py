"""How a network is trained: every hyper-parameter, checked, and the learning rate of every step.

Defaults are those of the code that trained the paper's networks (see `Recipe`), on a network of any
size. What a recipe does not hold (devices, processes, workers, how often checkpoints are written) may
change between a run and its continuation.
"""

import math
from dataclasses import asdict, dataclass, fields

from itcortex.errors import UserError, nearest
from itcortex.harmonizer.choices import EPSILONS, SALIENCIES

OPTIMIZERS = ("sgd", "adamw")
SCHEDULES = ("step", "cosine", "constant")
PRECISIONS = ("float32", "tf32", "bf16")


@dataclass(frozen=True)
class Recipe:
    """Hyper-parameters of a training; defaults marked * are the published code's.

    epochs : * 90 in its first version; one shows every labelled image once, and images with a map by
        `map_share`.
    batch_size : * images a step, over all processes and `accumulation` parts.
    accumulation : parts that a batch is run in, where it does not fit into memory at once.
    optimizer : * `sgd` (Nesterov, `momentum`), or `adamw` (betas .9 and .999).
    learning_rate : * of the schedule's top.
    warmup_epochs : * over which the rate rises linearly to its top; at most `epochs`.
    schedule : * `step` (times `gamma` at every epoch of `milestones`), `cosine` to 0, or `constant`.
    weight_decay : * with sgd a part of the loss (times half the squares), with adamw decoupled.
        Either way norms, embeddings and tokens are left out (`decay.decayed_parameters`).
    label_smoothing, levels, epsilon, saliency, sub_batch : * of `harmonizer_loss`.
    map_share : * share of an epoch's images that is drawn from the images with a human map.
    crop_scale : * random crops, share of the area.
    crop_ratio, flip : * aspect of the crops, chance of a flip.
    validation_crop : central square that is judged, as a share of the shorter side; photographs
        with a map are judged whole.
    alignment_images : photographs with a map whose alignment is measured every epoch, at most.
    ema : decay of the weights' running average, which is then what is judged and kept; 0: none.
    clip : largest norm of the gradient; 0: none.
    precision : `float32`; `tf32`, in which a GPU rounds the factors of all products to
        TensorFloat-32; or `bf16`, which runs the network and its derivatives, the second ones too, in
        bfloat16 (autocast) and the loss in float32. Nothing falls back by itself: float16, which
        cannot hold gradients of gradients, is no choice, a GPU without bfloat16 is refused, and where
        bf16 proves too coarse for a network (loss not finite, or far from float32's) choose another.
    channels_last : memory layout of images and weights; faster for convolutions.
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

    @classmethod
    def of(cls, settings: dict) -> "Recipe":
        """The recipe of JSON settings; those not given keep their defaults.

        Raises `UserError` for an unknown setting and for a value that it cannot have.
        """
        known = {field.name: field.default for field in fields(cls)}
        for name, value in settings.items():
            if name not in known:
                raise UserError(f"recipe: unknown setting {name!r}; {nearest(name, list(known))}")
            if not _same_kind(value, known[name]):
                raise UserError(
                    f"recipe: {name}: {value!r} is not of the kind of its default, {known[name]!r}"
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
                "parts (accumulation)"
            )
        if self.warmup_epochs > self.epochs:
            raise UserError(
                f"recipe: warmup_epochs: {self.warmup_epochs:g} is more than the {self.epochs} epochs: "
                "the learning rate would not reach its top; lower it, or give more epochs"
            )

    def asdict(self) -> dict:
        """The settings as JSON values."""
        return {k: list(v) if isinstance(v, tuple) else v for k, v in asdict(self).items()}


def learning_rate(recipe: Recipe, step: int, steps_per_epoch: int) -> float:
    """Rate of step `step`, counted from 0: it depends on nothing else, so a schedule has no state."""
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
    """Whether a setting's JSON value is what its default is; a whole number may stand for any."""
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
    "crop_scale": (lambda v: _is_range(v) and v[1] <= 1, "two rising shares of the area, up to 1"),
    "crop_ratio": (_is_range, "two rising ratios of width and height"),
    "flip": (lambda v: 0 <= v <= 1, "a chance from 0 to 1"),
    "validation_crop": (lambda v: 0 < v <= 1, "above 0 and at most 1"),
    "alignment_images": _at_least(0),
    "ema": _SHARE,
    "clip": _at_least(0),
}
_CHOICES = {
    "optimizer": list(OPTIMIZERS),
    "schedule": list(SCHEDULES),
    "epsilon": list(EPSILONS),
    "saliency": list(SALIENCIES),
    "precision": list(PRECISIONS),
}


def recipe_of(model: str, training: dict) -> dict:
    """A model's hyper-parameters: the training's, and what it changes for this model."""
    return training["recipe"] | training["recipes"].get(model, {})
