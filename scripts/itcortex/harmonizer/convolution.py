"""Convolution whose second derivative costs no more than its first, with the same numbers.

PyTorch differentiates the backward pass of a convolution by a convolution with the batch in place of the
channels, and for grouped convolutions by a loop over the groups: hundreds of small operations for every
depthwise layer. But the convolution y = x * w and its two gradients are the three partial derivatives of
one trilinear form, <gy, x * w>. Therefore

- `_Convolution`     (x, w) -> y    is differentiated by the two below,
- `_InputGradient`   (gy, w) -> gx  by the convolution and `_WeightGradient`,
- `_WeightGradient`  (gy, x) -> gw  by the convolution and `_InputGradient`,

to any order, each of them with the kernels of ordinary training, which support groups.
"""

from contextlib import AbstractContextManager, nullcontext
from typing import NamedTuple

import torch
from torch.nn import functional

aten = torch.ops.aten


class _Geometry(NamedTuple):
    """Stride, padding and dilation per spatial axis, and the number of groups."""

    stride: list[int]
    padding: list[int]
    dilation: list[int]
    groups: int

    @property
    def tail(self) -> tuple:
        """The last arguments of aten's operators: not transposed, no padding of the output."""
        return (
            self.stride, self.padding, self.dilation, False, [0] * len(self.stride), self.groups,
        )  # fmt: skip


def convolve(input, weight, bias=None, stride=1, padding=0, dilation=1, groups=1):
    """`torch.conv1d`, `conv2d` or `conv3d`, depending on the number of the weight's axes.

    input (image, channel, *size); weight (channel out, channel in / groups, *kernel). Padding may be
    'same' or 'valid'. Under autocast all three are cast as PyTorch's own convolution casts them.
    """
    axes = weight.ndim - 2
    if input.ndim != weight.ndim or not torch.is_grad_enabled():
        native = (torch.conv1d, torch.conv2d, torch.conv3d)[axes - 1]
        return native(input, weight, bias, stride, padding, dilation, groups)
    x, weight, bias = (_autocast(tensor) for tensor in (input, weight, bias))
    dilation = _per_axis(dilation, axes)
    if padding == "same":
        # Of an odd total the larger half comes last, as in PyTorch and TensorFlow.
        totals = [d * (k - 1) for d, k in zip(dilation, weight.shape[2:], strict=True)]
        if any(total % 2 for total in totals):
            x = functional.pad(x, [n for t in totals[::-1] for n in (t // 2, t - t // 2)])
            totals = [0] * axes
        padding = [total // 2 for total in totals]
    padding = _per_axis(0 if padding == "valid" else padding, axes)
    geometry = _Geometry(_per_axis(stride, axes), padding, dilation, groups)
    # A view of a leaf has a node of its own, which the engine can be asked about (`_wanted`).
    weight = weight.view_as(weight)
    bias = None if bias is None else bias.view_as(bias)
    return _Convolution.apply(x, weight, bias, geometry)


class _Convolution(torch.autograd.Function):
    @staticmethod
    def forward(ctx, x, weight, bias, geometry):
        ctx.save_for_backward(x, weight)
        ctx.geometry = geometry
        return _Convolution.compute(x, weight, bias, geometry)

    @staticmethod
    def compute(x, weight, bias, geometry):
        with direct():
            return aten.convolution(x, weight, bias, *geometry.tail)

    @staticmethod
    def backward(ctx, grad):
        x, weight = ctx.saved_tensors
        wanted = [ctx.needs_input_grad[0], _wanted(ctx, 1), _wanted(ctx, 2)]
        if not torch.is_grad_enabled():
            return *_gradients(grad, x, weight, ctx.geometry, wanted), None
        for_x = for_weight = for_bias = None
        if wanted[0]:
            for_x = _InputGradient.apply(grad, weight, x.detach(), ctx.geometry)
        if wanted[1]:
            for_weight = _WeightGradient.apply(grad, x, weight.detach(), ctx.geometry)
        if wanted[2]:
            for_bias = grad.sum([0, *range(2, grad.ndim)])
        return for_x, for_weight, for_bias, None


class _InputGradient(torch.autograd.Function):
    """Gradient with respect to x, of which only shape and memory format are read."""

    @staticmethod
    def forward(ctx, grad, weight, x, geometry):
        ctx.save_for_backward(grad, weight)
        ctx.geometry = geometry
        return _InputGradient.compute(grad, weight, x, geometry)

    @staticmethod
    def compute(grad, weight, x, geometry):
        return _gradients(grad, x, weight, geometry, [True, False, False])[0]

    @staticmethod
    def backward(ctx, grad_x):
        grad, weight = ctx.saved_tensors
        for_grad = for_weight = None
        if ctx.needs_input_grad[0]:
            for_grad = _derived(_Convolution, grad_x, weight, None, ctx.geometry)
        if ctx.needs_input_grad[1]:
            for_weight = _derived(_WeightGradient, grad, grad_x, weight.detach(), ctx.geometry)
        return for_grad, for_weight, None, None


class _WeightGradient(torch.autograd.Function):
    """Gradient with respect to the weight, of which only shape and memory format are read."""

    @staticmethod
    def forward(ctx, grad, x, weight, geometry):
        ctx.save_for_backward(grad, x)
        ctx.geometry = geometry
        return _WeightGradient.compute(grad, x, weight, geometry)

    @staticmethod
    def compute(grad, x, weight, geometry):
        return _gradients(grad, x, weight, geometry, [False, True, False])[1]

    @staticmethod
    def backward(ctx, grad_weight):
        grad, x = ctx.saved_tensors
        for_grad = for_x = None
        if ctx.needs_input_grad[0]:
            for_grad = _derived(_Convolution, x, grad_weight, None, ctx.geometry)
        if ctx.needs_input_grad[1]:
            for_x = _derived(_InputGradient, grad, grad_weight, x.detach(), ctx.geometry)
        return for_grad, for_x, None, None


def _derived(function, *inputs):
    """The function's value; with a graph for one more derivative only where there can be one."""
    return function.apply(*inputs) if torch.is_grad_enabled() else function.compute(*inputs)


def _gradients(grad, x, weight, geometry, wanted):
    """Gradients of x, weight and bias, those that are `wanted` (three truth values), by one kernel."""
    with direct():
        return aten.convolution_backward(grad, x, weight, [weight.shape[0]], *geometry.tail, wanted)


def _wanted(ctx, index):
    """Whether this backward pass needs the gradient of an input: a saliency map needs none of weights.

    `needs_input_grad` only says that the input could have a gradient.
    """
    if not ctx.needs_input_grad[index]:
        return False
    return torch._C._will_engine_execute_node(ctx.next_functions[index][0])


def autocast_type(device: torch.device) -> torch.dtype | None:
    """The type in which autocast now computes on this device; None if autocast is off."""
    known = torch.amp.is_autocast_available(device.type)  # not so on the meta device
    if known and torch.is_autocast_enabled(device.type):
        return torch.get_autocast_dtype(device.type)
    return None


def without_autocast(device: torch.device) -> AbstractContextManager:
    """Context in which every operation keeps the type of its inputs."""
    on = autocast_type(device) is not None
    return torch.autocast(device.type, enabled=False) if on else nullcontext()


def _autocast(tensor):
    """The tensor in the type of autocast, if autocast is on and would cast it."""
    dtype = None if tensor is None else autocast_type(tensor.device)
    if dtype is None or not tensor.is_floating_point() or tensor.dtype == torch.float64:
        return tensor
    return tensor.to(dtype)


def direct() -> AbstractContextManager:
    """Context in which torch's functions are called at once, without asking `double_backward`'s mode.

    Saved tensors must be taken outside it: they may run a checkpointed part of the network again.
    """
    return torch._C.DisableTorchFunction()


def _per_axis(value, axes):
    values = list(value) if isinstance(value, (tuple, list)) else [value]
    return values * axes if len(values) == 1 else values
