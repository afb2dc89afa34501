"""Second derivatives to compare, and how many operations they take."""

from collections import Counter

import torch
from torch.nn import functional
from torch.utils._python_dispatch import TorchDispatchMode


def normal(*shape, seed=0):
    """Random float64 values that want a gradient."""
    generator = torch.Generator().manual_seed(seed)
    return torch.randn(shape, generator=generator, dtype=torch.float64).requires_grad_()


class Counts(TorchDispatchMode):
    """Counts the operations that reach a device, by name; and gradients of convolution weights."""

    def __init__(self):
        super().__init__()
        self.calls, self.weight_gradients = Counter(), 0

    def __torch_dispatch__(self, func, types, args=(), kwargs=None):
        self.calls[func.overloadpacket.__name__] += 1
        if func.overloadpacket is torch.ops.aten.convolution_backward:
            self.weight_gradients += args[-1][1]
        return func(*args, **(kwargs or {}))


def assert_same(found, expected):
    """To 1e-10 of the largest value, the agreement that was asked for; None is None."""
    for a, b in zip(found, expected, strict=True):
        assert (a is None) == (b is None)
        if a is not None:
            assert (a - b).abs().max().item() <= 1e-10 * max(b.abs().max().item(), 1e-300)


def double_gradients(function, inputs, wanted, seed=3):
    """First derivatives with respect to `wanted`, and those of a function of them to all inputs."""
    out = function(*inputs)
    nonlinear = (functional.softplus(out) * normal(*out.shape, seed=seed).detach()).sum()
    first = torch.autograd.grad(nonlinear, [inputs[i] for i in wanted], create_graph=True)
    total = sum((g.square() * normal(*g.shape, seed=seed + 1).detach()).sum() for g in first)
    return [*first, *torch.autograd.grad(total, inputs, allow_unused=True)]
