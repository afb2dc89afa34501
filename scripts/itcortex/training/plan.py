"""What a training is asked to do, with which data, where; and what it returns."""

from dataclasses import dataclass, field
from pathlib import Path

import pandas as pd
from torch import nn

from itcortex.networks.network import Network
from itcortex.training.images.samples import Joined, Samples
from itcortex.training.recipe import Recipe
from itcortex.weights.state import State, digest


@dataclass(frozen=True)
class Plan:
    """What is trained and how: all that decides the result, but the data.

    `start` is a state dict to start from (fine-tuning) instead of weights drawn with `seed`; a
    classifier of other classes is drawn all the same. `strength` weighs the harmonization, 0 is the
    baseline.
    """

    network: Network
    recipe: Recipe
    strength: float
    seed: int
    start: State | None = None


@dataclass
class Data:
    """What is learnt from, and what the network is judged on after every epoch.

    `labelled` images are all shown every epoch, with their maps if they have any; of `mapped` ones
    a share is mixed in (`Recipe.map_share`).
    """

    labelled: Samples = field(default_factory=lambda: Joined([]))
    mapped: Samples = field(default_factory=lambda: Joined([]))
    validation: Samples = field(default_factory=lambda: Joined([]))


@dataclass(frozen=True)
class Place:
    """Where it runs and keeps its state; none of it is part of what a training is.

    Of one seed, results depend on `processes` only through batch norm and dropout, and rounding.
    `workers` read images ahead for every process. A checkpoint is written after `checkpoint_steps`
    steps, at the end of every epoch and when the training is asked to stop. `tensorboard` is a folder
    for event files (`events`); None writes none.
    """

    folder: Path
    device: str = "cpu"
    processes: int = 1
    workers: int = 0
    checkpoint_steps: int = 1000
    tensorboard: Path | None = None


@dataclass(frozen=True)
class Trained:
    """The network's weights (their running average, with `Recipe.ema`), a row an epoch, the identity.

    `ran_on` is what else the last bits depend on: device, number of processes, versions of packages.
    """

    state: State
    rows: list[dict]
    identity: dict
    ran_on: dict

    def table(self) -> pd.DataFrame:
        """The history, one row an epoch, with what it is of."""
        about = {"strength": self.identity["strength"], "seed": self.identity["seed"]}
        return pd.DataFrame(self.rows).assign(**about)

    @property
    def attributes(self) -> dict:
        """What a weights file says of itself."""
        identity, last = self.identity, self.rows[-1]
        results = {k: v for k, v in last.items() if k.startswith("validation_") or k == "accuracy"}
        return {
            "architecture": identity["architecture"],
            "source": f"harmonized:strength={identity['strength']:g},seed={identity['seed']}",
            "digest": digest(self.state),
            "training": {k: v for k, v in identity.items() if k != "code"},
            "ran_on": self.ran_on,
            "epochs": len(self.rows),
            "results": results,
        }


def new_classifier(start: State, model: nn.Module) -> State:
    """The classifier's tensors of `model`, as they were drawn, whose shape is another in `start`.

    The classifier is what timm's configuration of the network calls so; a network without one has
    none. Everything else of `start` must fit, as loading it will tell.
    """
    named = (getattr(model, "pretrained_cfg", None) or {}).get("classifier") or ()
    modules = (named,) if isinstance(named, str) else tuple(named)
    return {
        name: value
        for name, value in model.state_dict().items()
        if name.rpartition(".")[0] in modules and name in start and start[name].shape != value.shape
    }
