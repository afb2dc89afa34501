"""Trainings of the small net in this process, run to the end or to a misfortune."""

import itertools
import shutil
from collections.abc import Callable

from itcortex.networks.network import Network
from itcortex.training import checkpoint, trainer
from itcortex.training.plan import Data, Place, Plan
from itcortex.training.recipe import Recipe
from itcortex.training.train import train
from made.training import (
    arrays,
    network,
)

RECIPE = {
    "epochs": 2, "batch_size": 16, "warmup_epochs": 1, "schedule": "cosine", "learning_rate": 0.1,
    "map_share": 0.5,
}  # fmt: skip


def plan_of(strength=1.0, seed=0, start=None, net=None, **settings):
    """A plan for the small net."""
    recipe = Recipe.of(RECIPE | settings)
    return Plan(Network(**network(**(net or {}))), recipe, strength, seed, start)


def data_of(labelled=None):
    """48 images without a map (or others), 48 with one, 12 to judge: 6 steps an epoch."""
    return Data(labelled or arrays(48, 0, mapped=False), arrays(48, 1), arrays(12, 2))


def run(folder, data=None, every=1000, **settings):
    """A training from start to end."""
    return train(plan_of(**settings), data or data_of(), Place(folder, checkpoint_steps=every))


def after_every_step(monkeypatch, act: Callable) -> None:
    """From now on `act(model, step)` follows every step of an optimiser, from 1."""
    make_optimizer = trainer.make_optimizer

    def watched(model, recipe):
        optimizer, steps = make_optimizer(model, recipe), itertools.count(1)
        optimizer.register_step_post_hook(lambda *_: act(model, next(steps)))
        return optimizer

    monkeypatch.setattr(trainer, "make_optimizer", watched)


def copy_checkpoint(folder, to):
    """The checkpoint of a finished training in a folder of one's own."""
    shutil.copy2(folder / checkpoint.NAME, to / checkpoint.NAME)
