"""The state of a training on disk: one file, replaced as a whole, read without pickle.

The file `training.safetensors` lies in a folder beside the weights file that the training will write. It
holds the network, its running average, the weights of the best epoch where those are kept, and the
optimiser's tensors. The JSON in its header holds the step, the history and the *identity* of the
training: architecture, hyper-parameters, data. The learning rate and the order of the images follow
from the step. A digest over all of it is checked when it is read. Weights that are not finite, or many
times as large as at the start (`growth`), are never written: the last good checkpoint is kept. Copies of
shards lie in the same folder, which is deleted when the training is done.
"""

import hashlib
import json
import shutil
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path

import torch
from safetensors import SafetensorError
from torch import nn

from itcortex import store
from itcortex.errors import UserError
from itcortex.training.growth import Bounds
from itcortex.weights.state import State, digest

NAME = "training.safetensors"
SHARDS = "shards"  # the folder of copies of shards, beside it
#: Buffers of batch norm. Other buffers (masks, ranges) may hold infinities on purpose.
_AVERAGES = ("running_mean", "running_var")


@dataclass
class Progress:
    """How far a training came: steps done, a row for every finished epoch, sums of the running epoch.

    `before` is what the validation images say of the network before the first step, with labels of its
    own; else it is empty.
    """

    step: int = 0
    rows: list[dict] = field(default_factory=list)
    sums: dict = field(default_factory=dict)
    before: dict = field(default_factory=dict)


def folder_beside(weights: str | Path) -> Path:
    """Where the training of a weights file keeps its checkpoint: a hidden folder beside that file.

    The folder is not an output of the rule, because the workflow deletes the outputs of a killed job.
    """
    weights = Path(weights)
    return weights.with_name(f".{weights.stem}.checkpoint")


def save(
    folder: Path,
    model: nn.Module,
    average: nn.Module | None,
    kept: State | None,
    optimizer: torch.optim.Optimizer,
    progress: Progress,
    identity: dict,
    bounds: Bounds | None = None,
) -> None:
    """Write the state in place of the former one; `kept` is that of the best epoch, where it is kept.

    Raises `UserError`, and keeps the former state, if the file cannot be written, if weights or batch
    norm's running averages are not finite, as no training can continue from them, and, naming it, if a
    tensor or all weights together have outgrown `bounds`: they are finite, and as useless.
    """
    _require_sound(folder, [model] if average is None else [model, average], progress, bounds)
    tensors = {f"model.{name}": value for name, value in model.state_dict().items()}
    if average is not None:
        tensors |= {f"average.{name}": value for name, value in average.state_dict().items()}
    if kept is not None:
        tensors |= {f"kept.{name}": value for name, value in kept.items()}
    for index, values in optimizer.state_dict()["state"].items():
        tensors |= {f"optimizer.{index}.{k}": v for k, v in values.items() if v is not None}
    tensors = {name: value.detach().cpu() for name, value in tensors.items()}
    about = {
        "identity": identity,
        "step": progress.step,
        "rows": progress.rows,
        "sums": progress.sums,
        "before": progress.before,
    }
    path = folder / NAME
    try:
        store.write_weights(path, tensors, about | {"content": _content(tensors, about)})
    except (OSError, SafetensorError) as error:
        kept = "the former one stays" if path.exists() else "there is none yet"
        raise UserError(
            f"{path}: the checkpoint of step {progress.step} cannot be written ({error}); {kept}: "
            "make room on the disk and run again, and the training continues from there"
        ) from error


def _require_sound(
    folder: Path, networks: list[nn.Module], progress: Progress, bounds: Bounds | None
) -> None:
    """Raise `UserError` for networks that no training can continue from, or that are useless."""
    bad = [name for network in networks for name in not_finite(network)]
    if bad:
        raise UserError(
            f"step {progress.step}: it left {', '.join(bad[:3])} not finite ({len(bad)} of the "
            f"network's tensors); {advice(folder)}"
        )
    for outgrown in [bounds.exceeded(network) for network in networks] if bounds else []:
        if outgrown:
            raise UserError(f"step {progress.step}: it left {outgrown}; {advice(folder)}")


def not_finite(model: nn.Module) -> list[str]:
    """Names of weights and of running averages that are not finite, with one transfer from the GPU."""
    buffers = (pair for pair in model.named_buffers() if pair[0].endswith(_AVERAGES))
    tensors = dict(model.named_parameters()) | dict(buffers)
    finite = torch.stack([value.isfinite().all() for value in tensors.values()]).tolist()
    return [name for name, fine in zip(tensors, finite, strict=True) if not fine]


def kept_in(tensors: State) -> State:
    """The state of the best epoch among a checkpoint's tensors; empty where the last one is kept."""
    return _below(tensors, "kept.")


def last_in(tensors: State) -> State:
    """The state after the last step among a checkpoint's tensors: the running average, if it has one."""
    return _below(tensors, "average.") or _below(tensors, "model.")


def advice(folder: Path) -> str:
    """What to do about a training whose numbers are no longer finite: the end of its error message."""
    remedy = "lower learning_rate or strength, set clip, or lengthen the warm-up"
    if not (folder / NAME).exists():
        return f"nothing was kept; {remedy}"
    return (
        f"the last good checkpoint, {folder / NAME}, is kept, but with the same settings the training "
        f"would fail here again: {remedy}, and delete {folder}, for other settings start over"
    )


def read(folder: Path, identity: dict) -> tuple[dict, Progress] | None:
    """Tensors and progress of the training in `folder`; None if it holds no checkpoint.

    Raises `UserError`, naming what differs, for the checkpoint of a training with another
    architecture, other hyper-parameters, data or code, and for one that is damaged or has no digest of
    its content, as those of older versions.
    """
    path = folder / NAME
    if not path.exists():
        return None
    remedy = f"delete {folder}, and the training starts anew"
    try:
        tensors, about = store.read_weights(path)
    except UserError as error:
        raise UserError(f"{error}: the checkpoint is damaged; {remedy}") from error
    if "identity" not in about:
        raise UserError(f"{path}: this is not the checkpoint of a training; {remedy}")
    content = about.pop("content", None)
    if content is None:
        raise UserError(f"{path}: was written by an older version, without a digest; {remedy}")
    if content != _content(tensors, about):
        raise UserError(f"{path}: the checkpoint is not what was written: it is damaged; {remedy}")
    differing = list(_differences(about["identity"], identity))
    if differing:
        raise UserError(
            f"{path}: this is the checkpoint of another training: {'; '.join(differing)}. Delete "
            f"{folder} to start over, or restore those settings to continue it"
        )
    return tensors, Progress(about["step"], about["rows"], about["sums"], about["before"])


def restore(
    tensors: dict, model: nn.Module, average: nn.Module | None, optimizer: torch.optim.Optimizer
) -> None:
    """Put a checkpoint's tensors back into the network, its running average and the optimiser."""
    model.load_state_dict(_below(tensors, "model."))
    if average is not None:
        average.load_state_dict(_below(tensors, "average."))
    parameters = [p for group in optimizer.param_groups for p in group["params"]]
    state: dict[int, dict] = {}
    for name, value in _below(tensors, "optimizer.").items():
        index, _, key = name.partition(".")
        like = parameters[int(index)]
        own = value
        if value.shape == like.shape:  # keep the memory layout of the parameter
            own = torch.empty_like(like, requires_grad=False).copy_(value)
        state.setdefault(int(index), {})[key] = own
    groups = optimizer.state_dict()["param_groups"]
    optimizer.load_state_dict({"state": state, "param_groups": groups})


def _content(tensors: dict, about: dict) -> str:
    """Digest of all tensors and of what else a checkpoint says."""
    said = json.dumps(json.loads(json.dumps(about)), sort_keys=True)
    return hashlib.sha256(f"{digest(tensors)}\n{said}".encode()).hexdigest()


def remove_unbegun(folder: Path) -> None:
    """Delete copies of shards where no checkpoint needs them, and the folder if that was all in it."""
    if (folder / SHARDS).is_dir() and not (folder / NAME).exists():
        shutil.rmtree(folder / SHARDS)
        with suppress(OSError):  # not empty
            folder.rmdir()


def remove(folder: Path) -> None:
    """Delete the folder of a training that is done: its checkpoint and copies of shards."""
    if folder.exists():
        shutil.rmtree(folder)


def _below(tensors: dict, prefix: str) -> dict:
    return {k.removeprefix(prefix): v for k, v in tensors.items() if k.startswith(prefix)}


def _differences(then, now, name: str = ""):
    """Yield `name was A, is B` for every leaf in which two nested dictionaries differ."""
    if isinstance(then, dict) and isinstance(now, dict):
        for key in [*now, *(key for key in then if key not in now)]:
            yield from _differences(then.get(key), now.get(key), f"{name}.{key}" if name else key)
    elif then != now:
        yield f"{name} was {then!r}, is {now!r}"
