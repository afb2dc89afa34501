"""Activations of a network's layers on one's own images."""

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from itcortex.api.inputs import Features
from itcortex.data import pictures
from itcortex.data.stimuli import Stimuli

if TYPE_CHECKING:
    from torch import nn


def extract_features(
    model: "str | nn.Module",
    images: Any,
    *,
    layers: Sequence[str] | None = None,
    n_layers: int = 10,
    preprocessing: dict | None = None,
    weights: str | Path | None = None,
    side: int | None = None,
    batch_size: int = 16,
    device: str = "cpu",
    seed: int = 0,
) -> Features:
    """Activations of a network's layers on images, all layers in one pass.

    Parameters
    ----------
    model : torch.nn.Module or str
        A network with its weights, or the name of an architecture in timm.
    images : uint8 array (image, row, column, rgb), Stimuli, or path
        A path is that of a folder of pictures of any size.
    layers : list of str, optional
        Names of modules; without names the workflow's rule chooses `n_layers` of the trunk, evenly
        spaced (`itcortex.networks.layer_choice`).
    n_layers : int
    preprocessing : dict, optional
        Those of `input_size` [3, height, width], `mean`, `std` and `interpolation` that the model's
        configuration in timm does not give. The whole image is resized, without a crop.
    weights : path, optional
        File of weights for a timm name (.pth, .safetensors, ...); without it they are drawn by `seed`
        and untrained. A module keeps its own.
    side : int, optional
        Maps with a larger side are averaged down to it.
    batch_size : int
    device : str
        ``"cpu"``, ``"cuda"``, ``"mps"``.
    seed : int
        Draws untrained weights.

    Returns
    -------
    Features
        Float32 maps (image, row, column, channel) of every layer by name, in order of depth, with the
        pictures' names where `images` have names.

    Raises
    ------
    UserError
        For a layer that does not exist, weights that do not fit, a picture that cannot be decoded, a
        network that gives an image other values alone than in a batch.

    Examples
    --------
    >>> import numpy as np, torch, itcortex
    >>> net = torch.nn.Sequential(
    ...     torch.nn.Conv2d(3, 4, 3, stride=2, padding=1), torch.nn.ReLU(),
    ...     torch.nn.Conv2d(4, 8, 3, stride=2, padding=1), torch.nn.ReLU(),
    ... )
    >>> images = np.random.default_rng(0).integers(0, 256, (5, 16, 16, 3), dtype=np.uint8)
    >>> how = {"input_size": [3, 16, 16], "mean": [0.5] * 3, "std": [0.5] * 3,
    ...        "interpolation": "bilinear"}
    >>> features = itcortex.extract_features(net, images, layers=["1", "3"], preprocessing=how)
    >>> {name: maps.shape for name, maps in features.items()}
    {'1': (5, 8, 8, 4), '3': (5, 4, 4, 8)}
    """
    from itcortex.networks import activations, layer_choice  # noqa: PLC0415 (torch takes seconds)
    from itcortex.networks.network import checked_preprocessing  # noqa: PLC0415
    from itcortex.networks.preprocessing import Preprocessing  # noqa: PLC0415
    from itcortex.networks.torch_compat import resolve_device  # noqa: PLC0415

    place = resolve_device(device)
    pixels, names = _pictures(images)
    network = _timm_network(model, weights, seed) if isinstance(model, str) else model
    with activations.evaluating(network):
        how = Preprocessing.of(network, checked_preprocessing(dict(preprocessing or {})))
        survey = layer_choice.Survey(network, how.input_size)
        chosen = survey.named(layers) if layers is not None else survey.choose(n_layers)
        parts: dict[str, list[np.ndarray]] = {layer.name: [] for layer in chosen}
        batches = activations.extract(network, how, pixels, chosen, batch_size, place, side)
        for _, maps in batches:
            for name, values in maps.items():
                parts[name].append(values)
    joined = {name: np.concatenate(values) for name, values in parts.items()}
    return Features(joined, names, {layer.name: layer.depth for layer in chosen})


def _pictures(images: Any) -> tuple[Sequence[np.ndarray], tuple[str, ...] | None]:
    """Pixels of images, and their names if they have any."""
    if isinstance(images, str | Path):
        found = pictures.read_pictures(pictures.picture_files(images))
        return list(found.values()), tuple(found)
    if isinstance(images, Stimuli):
        return images.images, images.image_ids
    array = np.asarray(images)
    return Stimuli(array, tuple(str(i) for i in range(len(array)))).images, None


def _timm_network(architecture: str, weights: str | Path | None, seed: int) -> "nn.Module":
    """One of timm's networks, with the weights of a file or drawn."""
    from itcortex.networks.network import Network  # noqa: PLC0415
    from itcortex.weights.files import read_fitted  # noqa: PLC0415

    network = Network(architecture)
    model = network.build(seed)
    if weights is not None:
        state, _ = read_fitted(weights, network)
        model.load_state_dict(state)
    return model
