"""Make a network ready for one's own training loop, with one call."""

import threading
from contextlib import ExitStack
from numbers import Integral

import torch
from torch import nn

from itcortex.errors import UserError
from itcortex.harmonizer.checks import require_network, require_uncompiled
from itcortex.harmonizer.double_backward import double_backward, require_double_backward

_open = threading.local()  # contexts of the passes that are under way in this thread


def prepare_for_harmonizing(
    model: nn.Module, input_size: tuple[int, int, int] | None = None
) -> nn.Module:
    """Check that a network can be harmonized, and let its passes be differentiated twice.

    Every forward pass whose images require a gradient, that is, whose saliency is wanted, then runs with
    what the network's family needs: attention by its mathematical kernel, `hardsigmoid` by its
    definition, recurrent layers without cuDNN, and fast second derivatives of convolutions and batch
    norm (`itcortex.harmonizer.double_backward`). All other passes run as before, with fused attention.
    `harmonizer_loss` does the same by itself; after this call so does any loss of a saliency, such as
    ``torch.autograd.grad(score, images, create_graph=True)``.

    Parameters
    ----------
    model : torch.nn.Module
        Puts out class scores (image, class). It is changed in place, by hooks: parameters, modules,
        names and the state dict stay, and a deep copy is prepared too. Call this before the network is
        wrapped (`DistributedDataParallel`) and before an average of it is copied.
    input_size : (rgb, row, column), optional
        Of the two blank images that are run through it for the check; by default that of the network's
        configuration in timm.

    Returns
    -------
    torch.nn.Module
        The same network; of one that `torch.compile` made, the network before compilation, because a
        compiled one has no second derivative.

    Raises
    ------
    UserError
        For an operation without a second derivative, by name; for a network that puts out no class
        scores or whose scores do not depend on the images, or without weights; for one already wrapped
        in `DistributedDataParallel`, or compiled in place (`model.compile()`); for images of
        `input_size` that it cannot take; without an input size where timm knows none.

    Examples
    --------
    >>> import torch, itcortex
    >>> net = torch.nn.Sequential(
    ...     torch.nn.Conv2d(3, 4, 3), torch.nn.Hardsigmoid(), torch.nn.AdaptiveAvgPool2d(1),
    ...     torch.nn.Flatten(), torch.nn.Linear(4, 2),
    ... )
    >>> net = itcortex.prepare_for_harmonizing(net, (3, 16, 16))
    >>> images = torch.randn(2, 3, 16, 16, requires_grad=True)
    >>> score = net(images)[:, 1].sum()
    >>> (saliency,) = torch.autograd.grad(score, images, create_graph=True)
    >>> saliency.square().sum().backward()
    >>> net[0].weight.grad.shape
    torch.Size([4, 3, 3, 3])
    """
    model = getattr(model, "_orig_mod", model)
    if isinstance(model, nn.parallel.DistributedDataParallel):
        raise UserError(
            "model: it is wrapped in DistributedDataParallel already; prepare the network before it is "
            "wrapped"
        )
    require_network(model, 0)
    require_uncompiled({f"model.{n}" if n else "model": m for n, m in model.named_modules()})
    _try(model, _size_in_timm(model) if input_size is None else _checked(input_size))
    if _enter not in model._forward_pre_hooks.values():
        model.register_forward_pre_hook(_enter, prepend=True, with_kwargs=True)
        model.register_forward_hook(_leave, always_call=True)
    return model


def _checked(size: tuple[int, int, int]) -> tuple[int, int, int]:
    listed = isinstance(size, (tuple, list)) and len(size) == 3
    if not (listed and all(isinstance(n, Integral) and n > 0 for n in size)):
        raise UserError(
            f"input_size: {size!r} is not (rgb, row, column) of the images, like (3, 224, 224)"
        )
    return tuple(size)


def _try(model: nn.Module, size: tuple[int, int, int]) -> None:
    """Run two blank images through the network, forwards and backwards twice."""
    try:
        require_double_backward(model, size)
    except (RuntimeError, AssertionError, IndexError) as error:
        raise UserError(
            f"input_size: the network cannot run on images (rgb, row, column) of {size}: "
            f"{str(error).partition(chr(10))[0]}; give the size of its images, like (3, 224, 224)"
        ) from error


def _size_in_timm(model: nn.Module) -> tuple[int, int, int]:
    config = getattr(model, "pretrained_cfg", None) or {}
    if "input_size" not in config:
        raise UserError(
            f"input_size: {type(model).__name__} has no configuration of timm; give (rgb, row, column) "
            "of its images, like (3, 224, 224)"
        )
    return tuple(config["input_size"])


def _enter(_model: nn.Module, inputs: tuple, options: dict) -> None:
    """Open the context for this pass, if a gradient of an input is wanted."""
    context = ExitStack()
    values = [value for value in (*inputs, *options.values()) if isinstance(value, torch.Tensor)]
    if torch.is_grad_enabled() and any(value.requires_grad for value in values):
        context.enter_context(double_backward())
    if not hasattr(_open, "contexts"):
        _open.contexts = []
    _open.contexts.append(context)


def _leave(_model: nn.Module, _inputs: tuple, _output: object) -> None:
    """Close it, also after an error."""
    _open.contexts.pop().close()
