"""Networks that timm names: built with seeded weights, or as a skeleton without weights."""

from collections.abc import Iterator
from contextlib import contextmanager

import torch
from torch import nn

from itcortex.errors import UserError, nearest
from itcortex.networks.timm_names import require_architecture
from itcortex.networks.torch_compat import timm

_HALF = (torch.float16, torch.bfloat16)


def build(architecture: str, seed: int | None = None, **kwargs) -> nn.Module:
    """Network of timm's `architecture` in eval mode, untrained: nothing is downloaded.

    `seed` fixes the initial weights; `kwargs` go to `timm.create_model`. Raises `UserError` with
    the nearest names if timm has no such architecture or tag, and for arguments it does not take.
    """
    require_architecture(architecture)
    base, _, tag = architecture.partition(".")
    tagged = timm.list_pretrained(f"{base}.*")
    if tag and architecture not in tagged:
        raise UserError(
            f"architecture: timm has no weights {tag!r} of {base}; {nearest(architecture, tagged)}"
        )
    with seeded(seed):
        try:
            return timm.create_model(architecture, pretrained=False, **kwargs).eval()
        except TypeError as error:
            if not kwargs:
                raise
            raise UserError(
                f"arguments: {architecture} cannot be built with {kwargs} ({error}); "
                "give keyword arguments that timm.create_model takes for it"
            ) from error


@contextmanager
def seeded(seed: int | None) -> Iterator[None]:
    """Let torch draw from `seed`, if one is given, in this block; its state is restored afterwards."""
    with torch.random.fork_rng(devices=[]):
        if seed is not None:
            torch.random.default_generator.manual_seed(seed)
        yield


def to_single(model: nn.Module) -> bool:
    """Make a network's numbers of half precision float32; whether it had any."""
    tensors = (*model.parameters(), *model.buffers())
    found = any(tensor.dtype in _HALF for tensor in tensors)
    if found:
        model._apply(lambda tensor: tensor.float() if tensor.dtype in _HALF else tensor)
    return found


def skeleton(architecture: str, **kwargs) -> nn.Module:
    """Network on the meta device: without values, so that finding its layers costs nothing."""
    with torch.device("meta"):
        return build(architecture, **kwargs)
