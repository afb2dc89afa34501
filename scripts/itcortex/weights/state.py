"""Weights as state dicts: their digest, and how they are put in order and loaded.

Where they come from is in `sources`.
"""

import hashlib

import torch
from torch import nn

from itcortex.errors import UserError

State = dict[str, torch.Tensor]
_CHECK = "check the model's row in the model table"


def digest(state: State) -> str:
    """SHA-256 over names, types, shapes and bytes of all tensors; their order does not matter."""
    total = hashlib.sha256()
    for name in sorted(state):
        tensor = state[name].detach().cpu().contiguous()
        total.update(f"{name} {tensor.dtype} {tuple(tensor.shape)}\n".encode())
        total.update(tensor.reshape(-1).view(torch.uint8).numpy().tobytes())
    return total.hexdigest()


def load(model: nn.Module, architecture: str, state: State, attributes: dict, path: str) -> None:
    """Load the `state` of a weights file into `model`; both must have the same tensors.

    Raises `UserError`, naming the file `path`, if it was made for another architecture or its tensors
    are not those of the model.
    """
    if attributes.get("architecture") != architecture:
        raise UserError(
            f"{path}: holds weights of {attributes.get('architecture', 'an unnamed network')!r}, "
            f"not of {architecture!r}; delete it, so that it is made again"
        )
    try:
        model.load_state_dict(state, strict=True)
    except RuntimeError as error:
        reason = " ".join(str(error).split())
        raise UserError(
            f"{path}: does not fit {architecture!r} ({reason}); delete it, so that it is made again"
        ) from error


def in_order(state: State, target: State, origin: str) -> State:
    """`state` under the names of `target`, matched by order.

    Raises `UserError`, naming `origin`, at the first tensor with another shape or role (the last part
    of its name), and if the numbers of tensors differ.
    """
    last = list(target)[-2:]  # weight and bias of the classifier
    for (name, value), (wanted, like) in zip(state.items(), target.items(), strict=False):
        same_role = name.rpartition(".")[2] == wanted.rpartition(".")[2]
        if value.shape != like.shape or not same_role:
            raise UserError(
                f"{origin}: does not fit the architecture: {name} {tuple(value.shape)} stands where "
                f"{wanted} {tuple(like.shape)} is needed; "
                + (_of_classes(value, like) if wanted in last else _CHECK)
            )
    if len(state) != len(target):
        raise UserError(
            f"{origin}: holds {len(state)} tensors, the architecture needs {len(target)}; " + _CHECK
        )
    return dict(zip(target, state.values(), strict=True))


def _of_classes(value: torch.Tensor, like: torch.Tensor) -> str:
    """Remedy for a last layer of another shape, which often has another number of classes."""
    if value.ndim != like.ndim or not value.ndim or value.shape[1:] != like.shape[1:]:
        return _CHECK
    return (
        f"if the file is of {value.shape[0]} classes, build the network with as many: for timm's, write "
        f'{{"num_classes": {value.shape[0]}}} into the column arguments'
    )
