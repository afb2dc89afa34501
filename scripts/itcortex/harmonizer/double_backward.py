"""Differentiate any of timm's networks twice, exactly, and as fast as possible.

The saliency inside the harmonizer's loss is a gradient, and training differentiates it again. Five
operations in timm's networks are obstacles in PyTorch:

- fused attention has no second derivative: the mathematical kernel is used instead;
- `hardsigmoid` has none: it is computed by its definition, relu6(x + 3) / 6;
- the second derivatives of convolutions and of batch norm are slow: see `convolution` and
  `normalization`;
- cuDNN's recurrent layers (in Sequencer) have none: PyTorch's own are used instead.

`double_backward` is a context, not a change of the network: weights, modules and names stay.
"""

import re
from collections.abc import Iterator
from contextlib import contextmanager

import torch
from torch import nn
from torch.autograd.graph import _engine_run_backward
from torch.func import functional_call
from torch.nn import functional
from torch.nn.attention import SDPBackend, sdpa_kernel
from torch.overrides import TorchFunctionMode

from itcortex.errors import UserError
from itcortex.harmonizer.convolution import convolve, without_autocast
from itcortex.harmonizer.normalization import batch_norm

_IMPOSSIBLE = re.compile(r"derivative for '?(?:aten::)?(\w+)'? is not implemented")
_ONCE = "marked with @once_differentiable"
_COMPILED = "does not currently support double backward"


@contextmanager
def double_backward() -> Iterator[None]:
    """Context in which networks run so that they can be differentiated twice.

    The forward pass must be inside it. The backward pass must be inside it only with gradient
    checkpointing, which runs the forward pass again; otherwise, being inside improves error messages.
    Raises `UserError`, with the operation and the remedy, if a second derivative is missing.
    """
    try:
        # Checkpointed parts run again in the backward pass: in this thread, the only one with the mode.
        with (
            sdpa_kernel(SDPBackend.MATH),
            _Replacements(),
            torch.autograd.set_multithreading_enabled(False),
        ):
            yield
    except RuntimeError as error:
        operation = _operation(str(error))
        if operation is None:
            raise
        raise UserError(
            f"{operation} cannot be differentiated twice, as a strength above 0 requires; "
            f"{_remedy(operation)}"
        ) from error


def require_double_backward(model: nn.Module, input_size: tuple[int, int, int]) -> None:
    """Raise `UserError` if the saliency of `model` cannot be differentiated, before hours of training.

    `input_size` (rgb, row, column). Two blank images go through the network on its own device; on the
    meta device the check needs no values and takes about a second. Weights, their gradients, running
    statistics and the state of random generators do not change.
    """
    weight = next((p for p in model.parameters() if p.is_floating_point()), None)
    if weight is None:
        raise UserError(
            f"model: {type(model).__name__} has no parameters, so that there is nothing to train; give "
            "a network with weights"
        )
    images = weight.new_zeros(2, *input_size).requires_grad_()
    # Other leaves with the same values, so that the network's own gradients stay untouched.
    state = {n: p.detach().requires_grad_(p.requires_grad) for n, p in model.named_parameters()}
    state |= {name: b.clone() for name, b in model.named_buffers()}
    devices = [weight.device] if weight.device.type == "cuda" else []
    with torch.random.fork_rng(devices), double_backward():
        scores = functional_call(model, state, (images,))
        gradient = score_gradient(scores, images, torch.zeros(2, dtype=torch.long))
        _engine(gradient.square().sum())


def score_gradient(
    scores: torch.Tensor, images: torch.Tensor, labels: torch.Tensor
) -> torch.Tensor:
    """Gradient (image, rgb, row, column) of the score of every image's class; it can be differentiated.

    `scores` (image, class) were computed from `images`, which require a gradient. The result is float32
    or float64, and is computed outside autocast. Raises `UserError` if the scores do not depend on the
    images.
    """
    labels = labels.to(scores.device, torch.long)
    score = scores.gather(1, labels[:, None]).sum()
    found = None
    with without_autocast(images.device):
        if score.requires_grad:
            (found,) = _engine(score, (images,), create_graph=True)
    if found is None:
        raise UserError(
            "for PyTorch, the class scores do not depend on the image (is there a detach or no_grad in "
            "the network?), so there is no saliency to train; use strength 0"
        )
    return found.to(torch.promote_types(found.dtype, torch.float32))


def add_gradients(total: torch.Tensor) -> None:
    """`total.backward()` in `double_backward`."""
    with double_backward():
        _engine(total)


def _engine(output, inputs=(), create_graph=False):
    """The same as torch.autograd.grad or, without inputs, Tensor.backward, within the active modes.

    Those two functions switch modes off while they run. With gradient checkpointing, they would run
    parts of the network again in another way than in the forward pass.
    """
    return _engine_run_backward(
        (output,), (torch.ones_like(output),), create_graph, create_graph, inputs,
        allow_unreachable=True, accumulate_grad=not inputs,
    )  # fmt: skip


# --- replacements ---------------------------------------------------------------------------------


def _hardsigmoid(x, inplace=False):
    """relu6(x + 3) / 6 in at least float32, rounded once, as in PyTorch's own kernel."""
    wide = x.to(torch.promote_types(x.dtype, torch.float32))
    value = (functional.relu6(wide + 3) / 6).to(x.dtype)
    return x.copy_(value) if inplace else value


def _without_cudnn(recurrent):
    """A recurrent layer without cuDNN, whose recurrent layers have no second derivative."""

    def run(*args, **kwargs):
        with torch.backends.cudnn.flags(enabled=False):
            return recurrent(*args, **kwargs)

    return run


#: What stands in for a function of torch inside `double_backward`.
REPLACED = {
    torch.conv1d: convolve,
    torch.conv2d: convolve,
    torch.conv3d: convolve,
    functional.batch_norm: batch_norm,
    functional.hardsigmoid: _hardsigmoid,
    torch.lstm: _without_cudnn(torch.lstm),
    torch.gru: _without_cudnn(torch.gru),
}


class _Replacements(TorchFunctionMode):
    """Mode in which calls of the functions above go to their replacements."""

    def __torch_function__(self, func, types, args=(), kwargs=None):
        return REPLACED.get(func, func)(*args, **(kwargs or {}))


# --- errors ---------------------------------------------------------------------------------------


def _operation(message: str) -> str | None:
    found = _IMPOSSIBLE.search(message)
    if found:
        return found.group(1).strip("_").removesuffix("_backward")
    if _COMPILED in message:
        return "what torch.compile makes"
    return "a custom autograd.Function (@once_differentiable)" if _ONCE in message else None


def _remedy(operation: str) -> str:
    if "attention" in operation or "hardsigmoid" in operation:
        return "call itcortex.prepare_for_harmonizing(model) before"
    if "compile" in operation:
        return "leave the network and its parts uncompiled"
    return (
        "replace it in the network by operations that PyTorch differentiates twice, choose another "
        "architecture, or train with strength 0"
    )
