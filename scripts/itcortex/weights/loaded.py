"""A network with its weights, ready for images: what every rule that runs a network begins with."""

from dataclasses import dataclass
from pathlib import Path

import torch
from torch import nn

from itcortex import store
from itcortex.networks.network import Network
from itcortex.networks.preprocessing import Preprocessing
from itcortex.networks.torch_compat import resolve_device
from itcortex.weights.state import digest, load


@dataclass(frozen=True)
class LoadedNetwork:
    """A network that was built and given its weights.

    Attributes
    ----------
    network : the description that it was built from.
    model : the module, in eval mode, on `device`.
    preprocessing : what its images must look like.
    device : where the model is.
    attributes : what the weights file says of itself.
    weights_digest : SHA-256 over the tensors of the weights file.
    """

    network: Network
    model: nn.Module
    preprocessing: Preprocessing
    device: torch.device
    attributes: dict
    weights_digest: str


def load_network(
    network: dict, weights: str | Path, device: str = "cpu", seed: int | None = None
) -> LoadedNetwork:
    """Build the network that the JSON values `network` describe and load the file `weights`.

    `seed` fixes whatever the network draws that is not among its weights. Raises `UserError` for a
    device that is not there, before anything is built; for a network that cannot be built; and for
    weights of another network.
    """
    place, described = resolve_device(device), Network(**network)
    model = described.build(seed)
    state, attributes = store.read_weights(weights)
    load(model, described.architecture, state, attributes, weights)
    preprocessing = described.preprocessing_of(model)
    return LoadedNetwork(
        described, model.to(place), preprocessing, place, attributes, digest(state)
    )
