"""Batch norm with a faster second derivative, and the same numbers.

PyTorch differentiates the backward pass of batch norm in about forty passes over the maps; a few are
enough. With
x^ = (x - mean) r, r = 1 / sqrt(var + eps), all means per channel over images and positions, and

    B(g) = w r (g - <g> - x^ <g x^>)                        the backward pass,

its own derivative in the direction v, that of F = sum(v B(g)), consists of the same terms:

    dF/dg = B(v),    dF/dw = r K,    dF/dx = -r (<g x^> B(v) + <v x^> B(g) + w r x^ K / M),
    K = sum(v g) - M (<v> <g> + <v x^> <g x^>),             M values per channel,

and the kernel of the ordinary backward pass computes B(v), <v> and <v x^> together.
"""

from collections.abc import Iterator
from contextlib import contextmanager

import torch
from torch import nn
from torch.nn import functional

from itcortex.harmonizer.convolution import direct

aten = torch.ops.aten
_EVERYTHING = [True, True, True]


def batch_norm(
    input, running_mean, running_var, weight=None, bias=None, training=False, momentum=0.1, eps=1e-5
):
    """`torch.nn.functional.batch_norm`; in training mode by the formulas above.

    input (image, channel, *position). In evaluation mode, where the running statistics are used, there
    is nothing to gain, and PyTorch's own function is called.
    """
    channels = input.shape[1]
    if not training or not torch.is_grad_enabled() or input.numel() == channels:
        return functional.batch_norm(
            input, running_mean, running_var, weight, bias, training, momentum, eps
        )
    return _BatchNorm.apply(input, weight, bias, running_mean, running_var, momentum, eps)


class _BatchNorm(torch.autograd.Function):
    @staticmethod
    def forward(ctx, x, weight, bias, running_mean, running_var, momentum, eps):
        with direct():
            y, mean, rstd = torch.native_batch_norm(
                x, weight, bias, running_mean, running_var, True, momentum, eps
            )
        ctx.save_for_backward(x, weight, mean, rstd)
        ctx.eps = eps
        return y

    @staticmethod
    def backward(ctx, grad):
        x, weight, mean, rstd = ctx.saved_tensors
        again = torch.is_grad_enabled()
        found = (_BatchNormGradient.apply if again else _backward)(
            grad, x, weight, mean, rstd, ctx.eps
        )
        wanted = [g if n else None for g, n in zip(found, ctx.needs_input_grad, strict=False)]
        return *wanted, None, None, None, None


class _BatchNormGradient(torch.autograd.Function):
    """B(g), sum(g x^) and sum(g): the gradients of x, weight and bias."""

    @staticmethod
    def forward(ctx, grad, x, weight, mean, rstd, eps):
        found = _backward(grad, x, weight, mean, rstd, eps)
        ctx.save_for_backward(grad, x, weight, mean, rstd, *found)
        ctx.eps = eps
        ctx.set_materialize_grads(False)
        return found

    @staticmethod
    def backward(ctx, v, v_weight, v_bias):
        if torch.is_grad_enabled():  # never a silent zero
            raise NotImplementedError("the third derivative of batch norm is not implemented here")
        grad, x, weight, mean, rstd, b_grad, sum_gx, sum_g = ctx.saved_tensors
        for_grad = for_x = for_weight = None
        with direct():
            if v is not None:
                for_grad, for_x, for_weight = _in_direction(
                    v, grad, x, weight, mean, rstd, b_grad, sum_gx, sum_g, ctx.eps
                )
            if v_weight is not None:  # of sum(g x^)
                normalized = (x - _spread(mean, x)) * _spread(rstd, x)
                inner = _backward(grad, x, None, mean, rstd, ctx.eps)[0]
                for_grad = _sum(for_grad, normalized * _spread(v_weight, x))
                for_x = _sum(for_x, inner * _spread(v_weight, x))
            if v_bias is not None:  # of sum(g)
                for_grad = _sum(for_grad, _spread(v_bias, x).expand_as(grad))
            return _as(for_grad, grad), _as(for_x, x), _as(for_weight, weight), None, None, None


def _in_direction(v, grad, x, weight, mean, rstd, b_grad, sum_gx, sum_g, eps):
    """dF/dg, dF/dx and dF/dw as above, in few operations: at small batches their number is the time."""
    b_v, sum_vx, sum_v = _backward(v, x, weight, mean, rstd, eps)
    minus = -x.shape[1] / x.numel()  # -1 / M
    sum_vg = (v * grad).sum([0, *range(2, x.ndim)], dtype=rstd.dtype)
    k = sum_vg.add_(torch.addcmul(sum_v * sum_g, sum_vx, sum_gx), alpha=minus)
    for_weight, share = rstd * k, rstd * minus
    of_x = share * rstd * for_weight
    for_x = (x - _spread(mean, x)).mul_(_spread(of_x if weight is None else of_x * weight, x))
    for_x.addcmul_(b_v, _spread(share * sum_gx, x)).addcmul_(b_grad, _spread(share * sum_vx, x))
    return b_v, for_x, None if weight is None else for_weight


def _spread(values, like):
    """Values of channels in as many axes as `like` (image, channel, *position)."""
    return values.view(1, -1, *[1] * (like.ndim - 2))


def _backward(grad, x, weight, mean, rstd, eps):
    with direct():
        return aten.native_batch_norm_backward(
            grad, x, weight, None, None, mean, rstd, True, eps, _EVERYTHING
        )


def _sum(total, term):
    return term if total is None else total + term


def _as(value, like):
    return None if value is None else value.to(like.dtype)


@contextmanager
def running_averages_kept(model: nn.Module) -> Iterator[None]:
    """Context in which batch norm in training does not update its running averages."""
    norms = [m for m in model.modules() if isinstance(m, nn.modules.batchnorm._BatchNorm)]
    training = [norm for norm in norms if norm.training and norm.track_running_stats]
    try:
        for norm in training:
            norm.track_running_stats = False
        yield
    finally:
        for norm in training:
            norm.track_running_stats = True
