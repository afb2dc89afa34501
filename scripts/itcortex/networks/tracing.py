"""Trace of one forward pass: which tensors the modules put out, and which of them are the trunk."""

from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import torch
from torch import nn
from torch.overrides import TorchFunctionMode
from torch.utils._pytree import tree_leaves
from torch.utils.weak import WeakTensorKeyDictionary

from itcortex.networks.layers import first_tensor


@dataclass(frozen=True)
class Output:
    """What one module put out: the number of its tensor and its place in the forward pass.

    `depth` is the share of operations done, `weighted` the number of convolutions and linear maps
    done. Modules that hand a tensor through put out the same `tensor`.
    """

    name: str
    tensor: int
    shape: tuple[int, ...]
    depth: float
    weighted: int
    trunk: bool


class _DataFlow(TorchFunctionMode):
    """Notes when every tensor that depends on the input was made, and when it was read last.

    Only operations that give tensors count: sizes, also when they are used later, carry no data. An
    operation that changes a tensor in place makes a new one.
    """

    def __init__(self, batch: torch.Tensor):
        super().__init__()
        self.clock = 0
        self.made, self.read = [0], [0]
        self.numbers = WeakTensorKeyDictionary({batch: 0})

    def __torch_function__(self, function: Callable, types, args=(), kwargs=None):
        """Run one operation and note what it read and made."""
        result = function(*args, **(kwargs or {}))
        sources = self.known((args, kwargs))
        made = [item for item in tree_leaves(result) if isinstance(item, torch.Tensor)]
        if function is torch.Tensor.__setitem__:
            made = [args[0]]
        if sources and made:
            self.clock += 1
            for number in sources:
                self.read[number] = self.clock
            for tensor in made:
                self.numbers[tensor] = len(self.made)
                self.made.append(self.clock)
                self.read.append(self.clock)
        return result

    def known(self, items) -> list[int]:
        """Numbers of the tensors among `items` that were computed from the input."""
        tensors = (item for item in tree_leaves(items) if isinstance(item, torch.Tensor))
        return [self.numbers[tensor] for tensor in tensors if tensor in self.numbers]

    def trunk(self, number: int) -> bool:
        """Whether no tensor made before this one, or with it, is read after it was made."""
        made, read = np.array(self.made), np.array(self.read)
        around = (made <= made[number]) & (read > made[number])
        around[number] = False
        return not around.any()


def trace(model: nn.Module, batch: torch.Tensor) -> list[Output]:
    """Outputs of all modules that run once in a forward pass and put out one tensor, in order.

    Values do not matter and a batch on the meta device is enough. Inner modules come before the
    outer ones that hand on their output.
    """
    flow = _DataFlow(batch)
    calls, seen, weighted = Counter(), [], 0

    def note(module, output, name):
        nonlocal weighted
        weighted += getattr(module, "weight", None) is not None and module.weight.ndim > 1
        calls[name] += 1
        tensor = first_tensor(output)
        if tensor is not None and tensor in flow.numbers:
            number = flow.numbers[tensor]
            seen.append((name, number, tuple(tensor.shape), flow.made[number], weighted))

    handles = [
        module.register_forward_hook(
            lambda module, _, output, name=name: note(module, output, name)
        )
        for name, module in model.named_modules()
        if name
    ]
    try:
        with torch.no_grad(), flow:
            result = model(batch)
    finally:
        for handle in handles:
            handle.remove()
    for number in flow.known(result):
        flow.read[number] = flow.clock + 1  # the caller reads what the model returns
    return [
        Output(name, number, shape, made / flow.clock, before, flow.trunk(number))
        for name, number, shape, made, before in seen
        if calls[name] == 1
    ]
