"""Train one network with the neural harmonizer, in one process or several; a training can be resumed.

On a CPU a training that was killed and continued gives bit for bit the same weights as one that was
not. For this the order, crops and flips of the images are functions of (seed, epoch, position), random
numbers inside the network (dropout) of (seed, step, process), and the learning rate of the step.
"""

import json
import logging

import numpy as np
import torch

from itcortex.errors import UserError
from itcortex.harmonizer.double_backward import require_double_backward
from itcortex.networks.builders import builder_digest
from itcortex.networks.torch_compat import resolve_device
from itcortex.running import stamp
from itcortex.training import checkpoint
from itcortex.training.batches import Mixture, Steps
from itcortex.training.distributed import Group, launch
from itcortex.training.events import require_tensorboard
from itcortex.training.held_out import require_apart, require_enough
from itcortex.training.images.samples import files_of, require_labels
from itcortex.training.interruption import StoppedError
from itcortex.training.kept import collapsed, kept_epoch, require_chosen
from itcortex.training.plan import Data, Place, Plan, Trained
from itcortex.training.precision import require_bfloat16
from itcortex.training.trainer import Trainer, class_count
from itcortex.weights.state import digest

_log = logging.getLogger(__name__)


def train(plan: Plan, data: Data, place: Place) -> Trained:
    """Train to the end, continuing the training in `place.folder` if there is one.

    The checkpoint of the finished training stays in the folder: remove it when the result is written.

    Raises `UserError` for a plan and data that do not fit together, a checkpoint of another training, a
    GPU without the recipe's precision, a loss, weights or validation that are not finite (the last good
    checkpoint is kept), a full disk, and for any `UserError` of one of several processes. Raises
    `StoppedError` if the training was asked to stop and kept its state. Where an error leaves no
    checkpoint, copies of shards in the folder are deleted.
    """
    try:
        return _train(plan, data, place)
    except UserError:
        checkpoint.remove_unbegun(place.folder)
        raise


def _train(plan: Plan, data: Data, place: Place) -> Trained:
    _check(plan, data, place)
    identity = identity_of(plan, data)
    if place.processes == 1:
        group = Group(device=resolve_device(place.device))
        done = _train_rank(group, plan, data, place, identity)
    else:
        done = launch(_train_rank, (plan, data, place, identity), place.processes, place.device)
    if not done:
        _log.info(f"asked to stop: run the job again to continue it from {place.folder}")
        raise StoppedError()
    tensors, progress = checkpoint.read(place.folder, identity)
    state = checkpoint.kept_in(tensors) or checkpoint.last_in(tensors)
    kept = kept_epoch(progress.rows, plan.recipe)
    require_chosen(progress.rows, kept, plan.recipe, place.folder)
    return Trained(
        state, progress.rows, identity, _describe(place), kept, progress.before,
        collapsed(progress.rows[kept - 1], plan.recipe),
    )  # fmt: skip


def identity_of(plan: Plan, data: Data) -> dict:
    """Everything that decides the weights, as JSON values; it must be the same in a checkpoint.

    `files` tells that large files were written to, by their dates: copies of them give the same weights.
    """
    identity = {
        "architecture": plan.network.architecture,
        "network": plan.network.asdict(),
        "builder": builder_digest(plan.network.builder),
        "strength": float(plan.strength),
        "seed": plan.seed,
        "recipe": plan.recipe.asdict(),
        "start": digest(plan.start) if plan.start else "",
        "labelled": data.labelled.digest(),
        "mapped": data.mapped.digest(),
        "validation": data.validation.digest(),
        "code": stamp.current().get("code", ""),
        "files": {
            name: getattr(data, name).version() for name in ("labelled", "mapped", "validation")
        },
    }
    return json.loads(json.dumps(identity))


def _describe(place: Place) -> dict:
    """Where a training ran (its last part, if it was resumed), as JSON values."""
    on_gpu = place.device.startswith("cuda")
    return {
        "device": torch.cuda.get_device_name(place.device) if on_gpu else place.device,
        "processes": place.processes,
        "packages": stamp.versions(),
    }


def _train_rank(group: Group, plan: Plan, data: Data, place: Place, identity: dict) -> bool:
    """The part of one process in a training; False if the training was asked to stop."""
    with torch.random.fork_rng([group.device] if group.device.type == "cuda" else []):
        return Trainer(group, plan, data, place, identity).run()


def _check(plan: Plan, data: Data, place: Place) -> None:
    """Raise `UserError` at once for what would otherwise fail hours later."""
    if not (plan.strength >= 0 and plan.strength < float("inf")):
        raise UserError(f"strength: {plan.strength} is not a finite number of at least 0")
    for name, least in (("processes", 1), ("workers", 0), ("checkpoint_steps", 1)):
        if getattr(place, name) < least:
            raise UserError(f"{name}: {getattr(place, name)} is below {least}")
    if place.tensorboard is not None:
        require_tensorboard()
    if place.device.startswith("cuda") or place.processes == 1:
        require_bfloat16(plan.recipe.precision, resolve_device(place.device))
    outline = plan.network.skeleton()
    size = plan.network.preprocessing_of(outline).input_size
    n_classes = class_count(outline, size)
    if plan.strength > 0:
        require_double_backward(outline.train(), size)
    if plan.recipe.labels == "own":
        _check_start(plan)
    else:
        for name in ("labelled", "mapped", "validation"):
            require_labels(getattr(data, name), n_classes, name)
    mixture = Mixture(data.labelled, data.mapped, plan.recipe.map_share, plan.seed)
    Steps(mixture, plan.recipe, 0, place.processes, 0)
    if plan.strength > 0:
        _check_maps(plan, data, mixture)
    require_apart(data, plan.recipe)
    require_enough(data.validation, plan.recipe, plan.network.preprocessing_of(outline))


def _check_maps(plan: Plan, data: Data, mixture: Mixture) -> None:
    """Raise `UserError` if no training image has a human map; log how many of `mapped` have none."""
    mapped, files = data.mapped.mapped, files_of(data.mapped)
    if not mixture.samples.mapped[mixture.order(0)].any():
        why = f"none of the {len(mapped)} images of `mapped` ({files}) has one: check these files"
        if not len(mapped):
            why = "`mapped` names no file: name files of images with maps there"
        elif mapped.any():
            why = f"map_share: {plan.recipe.map_share:g} shows none of `mapped` ({files}): raise it"
        raise UserError(
            f"strength: {plan.strength:g}, but no training image has a human map; {why}, or train with "
            "strength 0 alone"
        )
    without = np.flatnonzero(~mapped)
    if len(without):
        first = data.mapped.read(int(without[0])).image_id
        _log.warning(
            f"mapped: {len(without)} of {len(mapped)} images have no human map, the first {first} "
            f"({files}): they are shown without one, and teach nothing of where to look"
        )


def _check_start(plan: Plan) -> None:
    """Raise `UserError` where a network's own labels cannot be had."""
    if plan.start is None:
        raise UserError(
            "recipe: labels: own, but nothing to start from: what random weights predict is no target; "
            "set start to trained weights of the same model"
        )
