"""The way to timm: import it from here, so that torchvision's operators are in order before.

`from itcortex.networks.torch_compat import timm` instead of `import timm`, everywhere.

torchvision's wheels are compiled for the CUDA build of torch. Beside a CPU-only torch their library
of operators does not load, and `import torchvision`, hence `import timm`, stops where torchvision
describes its operator `nms` to the compiler. Declaring the operators' signatures first is enough
for all that timm uses: nothing here calls them. On a healthy installation nothing is declared.
"""

import importlib
import sys
from types import ModuleType

import torch

from itcortex.errors import UserError

SIGNATURE = "(Tensor dets, Tensor scores, float iou_threshold) -> Tensor"
OPERATORS = ("torchvision::nms", "torchvision::qnms")


def import_torchvision() -> ModuleType:
    """Import torchvision, declaring its operators' signatures only if it stops for want of them.

    Raises whatever torchvision raises for any other reason.
    """
    try:
        return importlib.import_module("torchvision")
    except RuntimeError as error:
        if "torchvision::" not in str(error):
            raise
    # What the failed import left behind would be taken for complete modules.
    for name in [name for name in sys.modules if name.split(".")[0] == "torchvision"]:
        del sys.modules[name]
    for operator in OPERATORS:
        torch.library.define(operator, SIGNATURE)
    return importlib.import_module("torchvision")


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


import_torchvision()
import timm  # noqa: E402 (only after torchvision is in order)

__all__ = ["import_torchvision", "resolve_device", "timm"]
