"""Whether a network in evaluation mode is a function of one image: whether it gives an image the same
values in every pass and in any company.

An image is run alone after another one, which a network may remember while the batch's shape is the
same, and in the middle of a batch, so that it would be seen to depend on images before it as on those
after it. Every operation's result is compared, so that the place where the values first
part can be named. A result is kept as its projections on two fixed random vectors: the difference of two
results projects to about its own length.
"""

from collections import Counter
from collections.abc import Callable
from contextlib import ExitStack, suppress
from dataclasses import dataclass
from functools import lru_cache
from math import prod

import torch
from torch import nn
from torch.overrides import TorchFunctionMode

from itcortex.errors import UserError
from itcortex.networks.layers import first_tensor, tensors_in

#: Largest difference, in lengths of the result. Sums in another order, which a batch of another size
#: brings, differ by 1e-6 to 1e-5 in float32; a difference of 1e-3 changes a correlation by about 1e-6.
TOLERANCE = 1e-3
_LARGEST = 2**16  # values of one result that are looked at
_DROPOUT = (
    "dropout that is also active in evaluation",
    "use nn.Dropout, or pass training=self.training",
)
#: Cause and remedy by the name of torch's function that makes the first differing result.
_CAUSES = {
    "batch_norm": (
        "a batch normalisation without running statistics",
        "let it keep them (track_running_stats=True), and do not set it to training in the forward pass",
    ),
    "scaled_dot_product_attention": (_DROPOUT[0], "pass dropout_p=0 unless self.training"),
}
#: The same for other functions, by what the values depend on.
_UNKNOWN = {
    "chance": ("random numbers", "draw them only if self.training"),
    "the pass": ("a state that every pass leaves behind", "change no state unless self.training"),
    "the batch": ("an operation that joins the images of a batch", "compute every image by itself"),
}


@dataclass(frozen=True)
class Parting:
    """Where a network's values of one image first part, and what they depend on beside the image.

    `layer` is the module in whose forward pass it happens, "" for the network itself; `after` the last
    one that was complete; `operation` torch's function; `on` "chance", "the pass" or "the batch".
    """

    layer: str
    after: str
    operation: str
    on: str


class _Watch(TorchFunctionMode):
    """Calls `note(place, tensor)` for every result in a forward pass.

    A place is the module, the operation and how many times it was there before. Views of what an
    operation read are left out: they are no new values.
    """

    def __init__(self, model: nn.Module, note: Callable[[tuple, torch.Tensor], None]):
        super().__init__()
        self.note, self.model, self.hooks = note, model, ExitStack()
        self.inside, self.complete, self.counts = [], "", Counter()
        self.busy, self.last = False, None
        self.state, self.drawn = torch.get_rng_state(), None

    def __enter__(self):
        for name, module in self.model.named_modules():
            enter = module.register_forward_pre_hook(lambda *_, n=name: self.inside.append(n))
            leave = module.register_forward_hook(lambda _m, _a, out, n=name: self._leave(n, out))
            self.hooks.enter_context(enter)
            self.hooks.enter_context(leave)
        return super().__enter__()

    def __exit__(self, *error):
        self.hooks.close()
        return super().__exit__(*error)

    def __torch_function__(self, function: Callable, types, args=(), kwargs=None):
        """Run one operation and note what it made."""
        result = function(*args, **(kwargs or {}))
        if not self.busy:
            read = [*tensors_in(args), *tensors_in(kwargs)]
            made = args[0] if function is torch.Tensor.__setitem__ else result
            self._notice(getattr(function, "__name__", "?"), made, read)
        return result

    def _leave(self, name: str, output) -> None:
        tensor = first_tensor(output)
        if tensor is not None and tensor is not self.last:  # made where no operation is seen
            self._notice("its output", tensor, [])
        self.inside.pop()
        self.complete = name

    def _notice(self, operation: str, made, read: list[torch.Tensor]) -> None:
        self.busy = True
        for tensor in tensors_in(made):
            owner = self.inside[-1] if self.inside else ""
            place = (owner, operation, self.counts[owner, operation])
            self.counts[owner, operation] += 1
            if self.drawn is None and not torch.equal(self.state, torch.get_rng_state()):
                self.drawn = Parting(owner, self.complete, operation, "chance")
            if tensor.is_floating_point() and not _is_view(tensor, read):
                self.note(place, tensor)
            self.last = tensor
        self.busy = False


def _is_view(tensor: torch.Tensor, read: list[torch.Tensor]) -> bool:
    """Whether an operation made only another view of what it read; what it wrote into is none."""
    place = tensor.untyped_storage().data_ptr()
    return not any(item is tensor for item in read) and any(
        item.untyped_storage().data_ptr() == place for item in read
    )


class _Projections:
    """Results of operations as their projections on two random vectors, and their length."""

    def __init__(self):
        self.generator = torch.Generator().manual_seed(0)
        self.vectors = torch.empty(2, 0)

    def __call__(self, tensor: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        values = tensor[_every(tuple(tensor.shape))].reshape(-1).float().cpu()
        while self.vectors.shape[1] < len(values):  # longer, but the same at the beginning
            more = torch.randn(2, 2**16, generator=self.generator)
            self.vectors = torch.cat([self.vectors, more], 1)
        return self.vectors[:, : len(values)] @ values, values.norm()


@lru_cache
def _every(shape: tuple[int, ...]) -> tuple[slice, ...]:
    """Steps along the axes, twice as long again and again on the longest, to `_LARGEST` values."""
    steps, sizes = [1] * len(shape), list(shape)
    while prod(sizes) > _LARGEST:
        longest = sizes.index(max(sizes))
        steps[longest], sizes[longest] = 2 * steps[longest], -(-sizes[longest] // 2)
    return tuple(slice(None, None, step) for step in steps)


class CannotRunError(UserError):
    """One image alone cannot be run through a network."""


def require_function_of_image(model: nn.Module, images: torch.Tensor) -> None:
    """Raise `UserError` if `first_parting` finds a place: with layer, probable cause and remedy."""
    parting = first_parting(model, images)
    if parting:
        raise UserError(_refusal(model, parting))


def first_parting(model: nn.Module, images: torch.Tensor) -> Parting | None:
    """Where a network in evaluation mode first gives an image other values than before; None if nowhere.

    `images` (image, channel, row, column), two or more, all different: the middle one, or the second of
    two, is run alone after the first, and then with all others. Of two, an influence of later images on
    earlier ones is not seen. Results that are not finite are not compared, nor are those in which no
    axis grows with the number of images. Raises `CannotRunError` if an image alone cannot be run.
    """
    projections, count, middle = _Projections(), len(images), len(images) // 2
    alone: dict = {}
    found: list[Parting] = []

    def keep(into: dict):
        return lambda place, tensor: into.update({place: (tensor.shape, projections(tensor))})

    def compare(place: tuple, tensor: torch.Tensor) -> None:
        if not found and place in alone:
            shape, expected = alone[place]
            parts = _parts_of(tensor, shape, middle, count)
            if parts and all(_differ(projections(part), expected) for part in parts):
                found.append(Parting(place[0], watch.complete, place[1], "the batch"))

    with torch.random.fork_rng(devices=[]), torch.no_grad():
        image = images[middle : middle + 1]
        with suppress(Exception):  # the image itself would fail alike, and says where
            model(images[:1])
        watch = _Watch(model, keep(alone))
        _run_alone(watch, model, image)
        if watch.drawn:
            return watch.drawn
        with _Watch(model, compare) as watch:
            model(images)
        if not found:
            return None
        repeated: dict = {}
        _run_alone(_Watch(model, keep(repeated)), model, image)
    changed = [
        place for place in repeated.keys() & alone if _differ(repeated[place][1], alone[place][1])
    ]
    first = found[0]
    return Parting(first.layer, first.after, first.operation, "the pass") if changed else first


def _run_alone(watch: _Watch, model: nn.Module, image: torch.Tensor) -> None:
    try:
        with watch:
            model(image)
    except Exception as error:  # the user's code may raise anything
        layer = watch.inside[-1] if watch.inside else ""
        raise CannotRunError(
            f"{type(model).__name__}: one image alone cannot be run through the network, and stops in "
            f"{_place(layer, watch.complete)} ({type(error).__name__}: {error}); features must be a "
            "function of one image"
        ) from error


def _parts_of(tensor: torch.Tensor, shape: tuple, index: int, count: int) -> list[torch.Tensor]:
    """What of a batch's result may belong to one image, whose own result has this shape.

    The one axis that grows with the batch holds the images one after the other or, as windows may be
    sorted, in turn.
    """
    axes = [axis for axis, length in enumerate(tensor.shape[: len(shape)]) if length != shape[axis]]
    if tensor.ndim != len(shape) or len(axes) != 1:
        return []
    (axis,) = axes
    if tensor.shape[axis] != count * shape[axis]:
        return []
    block = tensor.narrow(axis, index * shape[axis], shape[axis])
    return [block, tensor.transpose(0, axis)[index::count].transpose(0, axis)]


def _differ(one: tuple, other: tuple) -> bool:
    """Whether two projected results are further apart than rounding; never if one is not finite."""
    (values, _), (expected, length) = one, other
    return bool(((values - expected).abs() > TOLERANCE * length).any())


def _refusal(model: nn.Module, parting: Parting) -> str:
    """Message: what the values depend on, where they part, the probable cause and what to do."""
    cause, remedy = _CAUSES.get(parting.operation, _UNKNOWN[parting.on])
    if "dropout" in parting.operation:
        cause, remedy = _DROPOUT
    return (
        f"{type(model).__name__}: in evaluation mode its values depend on {parting.on} and not on the "
        f"image alone, first in {_place(parting.layer, parting.after)}, at `{parting.operation}`: "
        f"probably {cause}; {remedy}"
    )


def _place(layer: str, after: str) -> str:
    if layer:
        return f"layer {layer!r}"
    return "the network's own forward pass" + (f" after layer {after!r}" if after else "")
