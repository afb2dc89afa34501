"""What can be said of a network without its weights: its layers, its size, what it wants of images.

It is built on torch's meta device, where tensors have shapes and no values, so that a network of any
size costs nothing. A builder that computes with values cannot run there: its network is built on the
CPU.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import nn

from itcortex.errors import UserError
from itcortex.networks.layer_choice import Survey
from itcortex.networks.layers import Layer, first_tensor
from itcortex.networks.network import Network
from itcortex.networks.preprocessing import Preprocessing


@dataclass(frozen=True)
class Outline:
    """A network without its weights.

    Attributes
    ----------
    model : the module, on the meta device or on the CPU.
    device : `meta` or `cpu`.
    off_meta : why it is not on the meta device, else empty.
    params_m : its parameters, in millions.
    outputs : length of the vector that it puts out for an image, of class scores in a classifier; None
        for an output of another form.
    layers : the layers named, or those that the rule chooses, in order of depth.
    preprocessing : what images must look like.
    origins : where each setting of it comes from, `row` or timm's configuration.
    """

    model: nn.Module
    device: str
    off_meta: str
    params_m: float
    outputs: int | None
    layers: list[Layer]
    preprocessing: Preprocessing
    origins: dict[str, str]

    @classmethod
    def of(cls, network: Network, names: Sequence[str] = (), count: int = 10) -> "Outline":
        """Build a network and run images of zeros through it.

        Its layers are those of `names`, or without names `count` that the layer rule chooses.

        Raises `UserError` for a network that can be built nowhere, that images cannot be run through, or
        that lacks one of these layers.
        """
        try:
            with torch.device("meta"):
                return _traced(network.build(seed=0), "meta", "", network, names, count)
        except Exception as error:
            own = isinstance(error, UserError) and error.__cause__ is None
            if own or not network.builder:  # it is not about the device
                raise
            reason = _reason(error)
        # If the meta device was not the cause, the same error comes again.
        return _traced(network.build(seed=0), "cpu", reason, network, names, count)


def _traced(
    model: nn.Module, device: str, off_meta: str, network: Network, names: Sequence[str], count: int
) -> Outline:
    preprocessing = network.preprocessing_of(model)
    try:
        survey = Survey(model, preprocessing.input_size)
        layers = survey.named(names) if names else survey.choose(count)
        outputs = _outputs(model, preprocessing.input_size)
    except UserError:
        raise
    except Exception as error:
        raise UserError(
            f"{network.builder or network.architecture}: images of {preprocessing.input_size} (channel, "
            f"height, width) cannot be run through the network: {type(error).__name__}: {error}; check "
            "its forward, and input_size in the column preprocessing"
        ) from error
    return Outline(
        model=model,
        device=device,
        off_meta=off_meta,
        params_m=sum(parameter.numel() for parameter in model.parameters()) / 1e6,
        outputs=outputs,
        layers=layers,
        preprocessing=preprocessing,
        origins=preprocessing.origins(model, network.preprocessing),
    )


def _outputs(model: nn.Module, input_size: tuple[int, int, int]) -> int | None:
    weight = next(model.parameters(), torch.zeros(()))
    images = torch.zeros(2, *input_size, device=weight.device, dtype=weight.dtype)
    with torch.no_grad():
        output = first_tensor(model(images))
    return output.shape[1] if output is not None and output.ndim == 2 else None


def _reason(error: Exception) -> str:
    """The first cause of an error, in one line."""
    while error.__cause__ is not None:
        error = error.__cause__
    return f"{type(error).__name__}: {' '.join(str(error).split())[:200]}"
