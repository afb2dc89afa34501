"""Trace of one forward pass: which tensors the modules put out, and which of them are the trunk."""

from collections import Counter
from collections.abc import Callable, Iterable
from dataclasses import dataclass

import torch
from torch import nn
from torch.nn import functional
from torch.overrides import TorchFunctionMode
from torch.utils._pytree import tree_leaves
from torch.utils.weak import WeakTensorKeyDictionary

from itcortex.networks import axes
from itcortex.networks.layers import first_tensor


@dataclass(frozen=True)
class Output:
    """What one module put out: the number of its tensor and its place in the forward pass.

    `depth` is the share of operations done, `weighted` the number of convolutions and linear maps
    done, `axes` what its axes are (see `axes`), "" if that is not known, and `tokens` what lies along
    that of tokens. Modules that hand a tensor through put out the same `tensor`.
    """

    name: str
    tensor: int
    shape: tuple[int, ...]
    depth: float
    weighted: int
    trunk: bool
    axes: str
    tokens: axes.Tokens | None = None


#: Names of torch's functions that apply weights.
_WEIGHTED = {"linear", "conv1d", "conv2d", "conv3d"}
#: What makes a tensor like the one it reads, and takes the meta device longer than all else.
_NORMALISATIONS = (functional.batch_norm, functional.layer_norm, functional.group_norm)


class _DataFlow(TorchFunctionMode):
    """Notes how every tensor that depends on the input was made: when, from which, and around which.

    Tensors have numbers in the order in which they are made. Two sets of numbers, kept as the bits of
    whole numbers, say where the data of a tensor comes from: `through` are the tensors that it depends
    on, itself among them; `around` are tensors that some of its data went past, because it was made
    before or beside them and read after them. A map with a number in both sets joins what came through
    a tensor with what went around it.

    Only operations that give tensors count: sizes, also when they are used later, carry no data. An
    operation that changes a tensor in place makes a new one.
    """

    def __init__(self, batch: torch.Tensor):
        super().__init__()
        self.clock = 0  # operations so far
        self.made = [0]  # clock of every tensor
        self.first = [0]  # number of the first tensor that the same operation made
        self.through, self.around = [1], [0]
        self.weighed = [0]  # of `around`, what went past as a vector with weights of its own
        self.headed = [False]  # a vector that a convolution or linear map made
        self.axes = [axes.Axes(axes.IMAGES)]
        self.bypassed = 0  # tensors that data goes around into a later map
        self.numbers = WeakTensorKeyDictionary({batch: 0})

    def __torch_function__(self, function: Callable, types, args=(), kwargs=None):
        """Run one operation and note what it read and made."""
        if function in _NORMALISATIONS and args and args[0].is_meta:
            result = torch.empty_like(args[0])
        else:
            result = function(*args, **(kwargs or {}))
        sources = self.known((args, kwargs))
        made = [item for item in tree_leaves(result) if isinstance(item, torch.Tensor)]
        if function is torch.Tensor.__setitem__:
            made = [args[0]]
        if sources and made:
            self.clock += 1
            name = getattr(function, "__name__", "")
            read = [(tensor, self.axes[self.numbers[tensor]]) for tensor in sources]
            followed = [axes.follow(name, tensor, read, args) for tensor in made]
            numbers = [self.numbers[tensor] for tensor in sources]
            self._note(numbers, made, name in _WEIGHTED)
            self.axes += followed
        return result

    def _note(self, sources: list[int], made: list[torch.Tensor], weighted: bool) -> None:
        through = around = weighed = 0
        start = len(self.made)
        for number in sources:
            beside = (1 << start) - (1 << self.first[number]) & ~(1 << number)
            through |= self.through[number]
            around |= self.around[number] | beside
            weighed |= self.weighed[number] | (beside if self.headed[number] else 0)
        headed = weighted or any(self.headed[number] for number in sources)
        for tensor in made:
            number = len(self.made)
            self.numbers[tensor] = number
            self.made.append(self.clock)
            self.first.append(start)
            self.through.append(through | 1 << number)
            self.around.append(around)
            self.weighed.append(weighed)
            self.headed.append(headed and not _is_map(tensor))
            self.bypassed |= through & (around if _is_map(tensor) else weighed)

    def known(self, items) -> list[torch.Tensor]:
        """The tensors among `items` that were computed from the input."""
        tensors = (item for item in tree_leaves(items) if isinstance(item, torch.Tensor))
        return [tensor for tensor in tensors if tensor in self.numbers]

    def trunk(self, numbers: Iterable[int]) -> set[int]:
        """Those of `numbers` that nothing goes around, in the longest line of one made from another."""
        free = [number for number in numbers if not self.bypassed >> number & 1]
        all_free = sum(1 << number for number in set(free))
        lines = {number: self.through[number] & all_free for number in free}
        line = max(lines.items(), key=lambda item: (item[1].bit_count(), item[0]), default=(0, 0))[
            1
        ]
        return {number for number in free if line >> number & 1}


def _is_map(tensor: torch.Tensor) -> bool:
    """Whether a tensor can hold more than one vector for each image: two axes longer than 1."""
    return sum(length > 1 for length in tensor.shape[1:]) > 1


def trace(model: nn.Module, batch: torch.Tensor, repeated: bool = False) -> list[Output]:
    """Outputs of all modules that run once in a forward pass and put out one tensor, in order.

    With `repeated`, also every output of those that run more than once.

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
            model(batch)
    finally:
        for handle in handles:
            handle.remove()
    trunk = flow.trunk(number for _, number, *_ in seen)
    return [
        Output(
            name, number, shape, made / flow.clock, before, number in trunk, own.letters, own.tokens
        )
        for name, number, shape, made, before in seen
        for own in [flow.axes[number]]
        if repeated or calls[name] == 1
    ]
