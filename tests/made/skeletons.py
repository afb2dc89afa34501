"""Networks on the meta device, where only shapes and kinds of operations are asked for, made quickly.

Every operation there takes Python a millisecond: initial values that are drawn to be thrown away, and
the tenth of a stack of equal blocks, are most of what such a test would spend.
"""

import torch
from torch import nn
from torch.utils._python_dispatch import TorchDispatchMode

_aten = torch.ops.aten
#: What gives initial values, in place.
_DRAWN = {
    _aten.normal_.default, _aten.uniform_.default, _aten.erfinv_.default, _aten.clamp_.default,
    _aten.fill_.Scalar, _aten.zero_.default, _aten.mul_.Tensor, _aten.add_.Tensor,
}  # fmt: skip
#: Of equal neighbours so many stay: one, and one that reads what an equal one put out.
_ALIKE = 2


class Undrawn(TorchDispatchMode):
    """In this block parameters on the meta device are made, and nothing is drawn for them."""

    def __torch_dispatch__(self, function, types, args=(), kwargs=None):
        """Run one operation, or leave it."""
        if function in _DRAWN and args[0].is_meta:
            return args[0]
        return function(*args, **(kwargs or {}))


def thinned(model: nn.Module) -> nn.Module:
    """The network with at most two of neighbouring blocks of the same modules and shapes in a chain.

    A list is no chain: its parts may be used side by side. A layer without parts is no block.
    """
    for stack in model.modules():
        if type(stack) is nn.Sequential:
            plans = [_plan(block) for block in stack]
            for place in range(len(plans) - 1, _ALIKE - 1, -1):
                alike = plans[place - _ALIKE : place + 1]
                if all(plan == plans[place] for plan in alike) and len(plans[place][0]) > 1:
                    del stack[place]
    return model


def _plan(block: nn.Module) -> tuple[list, list]:
    """Kinds of its modules, shapes of its parameters."""
    kinds = [(name, type(module)) for name, module in block.named_modules()]
    return kinds, [(name, tensor.shape) for name, tensor in block.named_parameters()]
