"""The way to timm: import it from here, so that torchvision's operators are in order before.

`from itcortex.networks.torch_compat import timm` instead of `import timm`, everywhere. Why, and what is
done about it, is in `itcortex.networks.torchvision_operators`; nothing on a healthy installation.
"""

import torch

from itcortex.errors import UserError
from itcortex.networks import torchvision_operators


def resolve_device(name: str) -> torch.device:
    """Device that `name` stands for: 'cpu', 'cuda', 'cuda:N' or 'mps'.

    Raises `UserError` for another name and for an accelerator that this machine does not have: a
    job that asked for a GPU never goes on slowly without one.
    """
    kind, _, index = str(name).partition(":")
    if kind not in ("cpu", "cuda", "mps") or (
        ":" in name and not (kind == "cuda" and index.isdigit())
    ):
        raise UserError(f"device: {name!r} is not a device; valid: 'cpu', 'cuda', 'cuda:N', 'mps'")
    if kind == "cuda" and int(index or 0) >= torch.cuda.device_count():
        raise UserError(
            f"device: {name!r} asked for, but torch {torch.__version__} sees "
            f"{torch.cuda.device_count()} CUDA devices here; use 'cpu' or a machine that has it"
        )
    if kind == "mps" and not torch.backends.mps.is_available():
        raise UserError("device: 'mps' asked for, but it is not available here; use 'cpu'")
    return torch.device(name)


torchvision_operators.begin()
import timm  # noqa: E402 (only after torchvision is in order)

__all__ = ["resolve_device", "timm"]
