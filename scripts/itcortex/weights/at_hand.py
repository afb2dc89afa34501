"""Weights that are on this machine, read without asking anybody: nothing here downloads."""

from dataclasses import dataclass
from pathlib import Path

from torch import nn

from itcortex import store
from itcortex.errors import UserError
from itcortex.networks.network import Network
from itcortex.weights import hub
from itcortex.weights.sources import fetch_state
from itcortex.weights.state import State, load

#: What to tell of weights that are not here, by the kind of their source.
_ELSEWHERE = {
    "timm": "published, not fetched yet",
    "hub": "published, not fetched yet",
    "data": "of a dataset, not fetched yet",
    "trained": "trained by the workflow, not yet",
    "untrained": "drawn when they are needed: nothing to load",
}


@dataclass(frozen=True)
class AtHand:
    """Weights of one row: the `state`, or None if they are not here; `told` says which and where."""

    state: State | None
    told: str


def read_at_hand(
    row: dict,
    network: Network,
    outline: nn.Module,
    fetched: str | Path,
    data_file: str | Path | None,
) -> AtHand:
    """The weights of a row of the model table, under its network's names, read once.

    Parameters
    ----------
    row : the row: source, sha256, state_dict and match_by are read.
    network : what it describes.
    outline : the network, with values or on the meta device.
    fetched : where the workflow puts these weights.
    data_file : local file of a `data:` source, if there is one.

    Raises
    ------
    UserError
        For a file that cannot be read or is another one than its digest says, and for tensors whose
        names and shapes are not the network's.
    """
    source = row["source"]
    kind, _, rest = source.partition(":")
    if Path(fetched).is_file():
        if _is_of(fetched, source):
            return AtHand(_fitted(fetched, network, outline), f"{fetched} fits")
        return AtHand(None, f"{fetched} is of another source than the row's; it will be made again")
    file = data_file if kind == "data" else None
    mirrored = kind in ("timm", "hub") and hub.folder_of_mirror(source, network.architecture)
    if kind in ("package", "file") or file or mirrored:
        given = (row["sha256"], file, row["state_dict"], row["match_by"])
        state, origin = fetch_state(source, network, *given)
        how = f", matched {origin['matched']}" if "matched" in origin else ""
        return AtHand(state, f"{file or origin.get('file', rest)} fits{how}")
    return AtHand(None, _ELSEWHERE[kind])


def _is_of(fetched: str | Path, source: str) -> bool:
    return store.read_weights_attributes(fetched).get("source", source) == source


def _fitted(fetched: str | Path, network: Network, outline: nn.Module) -> State:
    """A file of the workflow's own, which must have the tensors of the network."""
    state, attributes = store.read_weights(fetched)
    if attributes.get("architecture") != network.architecture:
        load(outline, network.architecture, state, attributes, str(fetched))  # says so
    wanted = {name: tuple(value.shape) for name, value in outline.state_dict().items()}
    found = {name: tuple(value.shape) for name, value in state.items()}
    if found != wanted:
        name = sorted(dict(set(found.items()) ^ set(wanted.items())))[0]
        raise UserError(
            f"{fetched}: does not fit: {name} has shape {found.get(name, 'none')} in the file and "
            f"{wanted.get(name, 'none')} in the network; delete the file, so that it is made again"
        )
    return state
