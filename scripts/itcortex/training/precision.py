"""The number formats of a training: which of them a GPU has, and how it multiplies float32."""

from collections.abc import Iterator
from contextlib import contextmanager

import torch

from itcortex.errors import UserError


def require_bfloat16(precision: str, device: torch.device) -> None:
    """Raise `UserError` for `bf16` on a GPU without hardware for bfloat16."""
    if precision != "bf16" or device.type != "cuda":
        return
    with torch.cuda.device(device):
        supported = torch.cuda.is_bf16_supported(including_emulation=False)
    if not supported:
        raise UserError(
            f"recipe: precision: 'bf16' is not supported by {torch.cuda.get_device_name(device)}; "
            "choose 'tf32' or 'float32'"
        )


@contextmanager
def matmul_precision(precision: str, device: torch.device) -> Iterator[None]:
    """Context in which a GPU rounds the factors of float32 products to TensorFloat-32: for `tf32` only.

    Not for `bf16`: what runs in bfloat16 does not need it, and the loss must be computed in float32.
    """
    if device.type != "cuda":
        yield
        return
    former = torch.backends.cuda.matmul.allow_tf32, torch.backends.cudnn.allow_tf32
    allowed = precision == "tf32"
    try:
        torch.backends.cuda.matmul.allow_tf32 = torch.backends.cudnn.allow_tf32 = allowed
        yield
    finally:
        torch.backends.cuda.matmul.allow_tf32, torch.backends.cudnn.allow_tf32 = former
