"""What a training is asked to do, with which data, and where; and what it returns."""

import math
from dataclasses import dataclass, field
from pathlib import Path

import pandas as pd
from torch import nn

from itcortex.networks.network import Network
from itcortex.training.images.samples import Joined, Samples
from itcortex.training.recipe import Recipe
from itcortex.weights.state import State, digest

_RESULTS = ("accuracy", "agreement")  # of an epoch's training images


@dataclass(frozen=True)
class Plan:
    """What is trained and how: everything that decides the result, except the data.

    `start` is a state dict to start from (fine-tuning) instead of weights drawn with `seed`. If its
    classifier is for another number of classes, the classifier is drawn with `seed` nevertheless.
    `strength` weighs the harmonization; 0 is the baseline.
    """

    network: Network
    recipe: Recipe
    strength: float
    seed: int
    start: State | None = None


@dataclass
class Data:
    """The images to learn from, and those that the network is validated on after every epoch.

    All `labelled` images are shown in every epoch, with their human maps if they have any. Of the
    `mapped` images, a share is mixed in (`Recipe.map_share`).
    """

    labelled: Samples = field(default_factory=lambda: Joined([]))
    mapped: Samples = field(default_factory=lambda: Joined([]))
    validation: Samples = field(default_factory=lambda: Joined([]))


@dataclass(frozen=True)
class Place:
    """Where a training runs and keeps its state; none of it belongs to the identity of the training.

    With the same seed, `processes` changes the result only through batch norm, dropout and rounding.
    Every process has `workers` that read images ahead. A checkpoint is written after every
    `checkpoint_steps` steps, at the end of every epoch, and when the training is asked to stop.
    `tensorboard` is a folder for event files (`events`); None for no such files.
    """

    folder: Path
    device: str = "cpu"
    processes: int = 1
    workers: int = 0
    checkpoint_steps: int = 1000
    tensorboard: Path | None = None


@dataclass(frozen=True)
class Trained:
    """The trained weights (with `Recipe.ema` their running average), a row per epoch, the identity.

    `ran_on` holds what the last bits of the weights also depend on: device, number of processes,
    versions of packages. The weights are those after epoch `kept_epoch`. With the network's own labels,
    `before` is what the validation images said of it before the first step, and `collapsed` marks a
    network that agrees with it on fewer of them than `Recipe.least_agreement`.
    """

    state: State
    rows: list[dict]
    identity: dict
    ran_on: dict
    kept_epoch: int
    before: dict = field(default_factory=dict)
    collapsed: bool = False

    def table(self) -> pd.DataFrame:
        """The history, a row per epoch, with strength and seed; `kept` is the epoch of the weights."""
        about = {"strength": self.identity["strength"], "seed": self.identity["seed"]}
        rows = pd.DataFrame(self.rows)
        return rows.assign(**about, kept=rows["epoch"] == self.kept_epoch)

    @property
    def attributes(self) -> dict:
        """What the weights file says about its weights, as JSON values: None for what is undefined."""
        identity, row = self.identity, self.rows[self.kept_epoch - 1]
        results = {k: v for k, v in row.items() if k.startswith("validation_") or k in _RESULTS}
        own = {"before": _defined(self.before), "collapsed": self.collapsed} if self.before else {}
        return {
            "architecture": identity["architecture"],
            "source": f"harmonized:strength={identity['strength']:g},seed={identity['seed']}",
            "digest": digest(self.state),
            "training": {k: v for k, v in identity.items() if k not in ("code", "files")},
            "ran_on": self.ran_on,
            "epochs": len(self.rows),
            "kept_epoch": self.kept_epoch,
            "results": _defined(results),
            **own,
        }


def _defined(results: dict) -> dict:
    """Results with None for NaN, which JSON does not have."""
    undefined = (isinstance(value, float) and math.isnan(value) for value in results.values())
    return {k: None if nan else v for (k, v), nan in zip(results.items(), undefined, strict=True)}


def new_classifier(start: State, model: nn.Module) -> State:
    """The tensors of `model`'s classifier, as they were drawn, that have another shape in `start`.

    The classifier is what timm's configuration of the network names as such; other networks have
    none. All other tensors of `start` must fit: loading them checks it.
    """
    named = (getattr(model, "pretrained_cfg", None) or {}).get("classifier") or ()
    modules = (named,) if isinstance(named, str) else tuple(named)
    return {
        name: value
        for name, value in model.state_dict().items()
        if name.rpartition(".")[0] in modules and name in start and start[name].shape != value.shape
    }
