"""Weights as state dicts: their digest, and how they are fitted to a network and put into it.

Where they come from is in `weight_sources`.
"""

import hashlib

import torch
from torch import nn

from itcortex.errors import UserError

State = dict[str, torch.Tensor]


def digest(state: State) -> str:
    """SHA-256 over names, types, shapes and bytes of all tensors, whatever their order."""
    total = hashlib.sha256()
    for name in sorted(state):
        tensor = state[name].detach().cpu().contiguous()
        total.update(f"{name} {tensor.dtype} {tuple(tensor.shape)}\n".encode())
        total.update(tensor.reshape(-1).view(torch.uint8).numpy().tobytes())
    return total.hexdigest()


def load(model: nn.Module, architecture: str, state: State, attributes: dict, path: str) -> None:
    """Put a weights file's `state` into `model`, every tensor of both.

    Raises `UserError`, naming `path`, if the file was made for another architecture or its tensors
    are not those of the model.
    """
    if attributes.get("architecture") != architecture:
        raise UserError(
            f"{path}: holds weights of {attributes.get('architecture', 'an unnamed network')!r}, "
            f"not of {architecture!r}; delete it to make it anew"
        )
    try:
        model.load_state_dict(state, strict=True)
    except RuntimeError as error:
        reason = " ".join(str(error).split())
        raise UserError(f"{path}: does not fit {architecture!r}; delete it ({reason})") from error


def fitted(state: State, target: State, origin: str, ordered: bool = True) -> State:
    """`state` under the names of `target`: by name if they are the same, else in order.

    Where a file does not keep its tensors in order (`ordered`), names must be the same. Raises
    `UserError`, naming `origin`, for tensors that differ.
    """
    if set(state) == set(target):
        state = {name: state[name] for name in target}
    elif not ordered:
        foreign, lacking = sorted(set(state) - set(target)), sorted(set(target) - set(state))
        raise UserError(
            f"{origin}: names of tensors are not the architecture's, and such a file keeps no "
            f"order to go by; it has {foreign[:3]}, and lacks {lacking[:3]}"
        )
    return in_order(state, target, origin)


def in_order(state: State, target: State, origin: str) -> State:
    """`state` under the names of `target`, tensor by tensor in order.

    Raises `UserError`, naming `origin`, at the first tensor that differs in shape or role, and if
    the numbers of tensors differ.
    """
    for (name, value), (wanted, like) in zip(state.items(), target.items(), strict=False):
        same_role = name.rpartition(".")[2] == wanted.rpartition(".")[2]
        if value.shape != like.shape or not same_role:
            raise UserError(
                f"{origin}: does not fit the architecture: {name} {tuple(value.shape)} stands where "
                f"{wanted} {tuple(like.shape)} is needed; check the model's row in the table"
            )
    if len(state) != len(target):
        raise UserError(
            f"{origin}: holds {len(state)} tensors, the architecture needs {len(target)}; "
            "check the model's row in the table"
        )
    return dict(zip(target, state.values(), strict=True))
