"""Batch normalisations folded into the convolutions before them: the same values in less time.

In evaluation a batch normalisation is a product and a sum for each channel, which the convolution that
gave the channel can do with other weights:

    (w * x + c - m) g / sqrt(v + e) + b  =  w' * x + c',   w' = w g / sqrt(v + e),
                                                           c' = (c - m) g / sqrt(v + e) + b

(`torch.nn.utils.fusion`). Values differ by rounding, about 1e-6 of their length in float32.

Which normalisation reads which convolution is learned from a few passes. It holds for all images where a
pass hands no value of a tensor to Python, which could decide by it; otherwise nothing is folded.
"""

import logging
from collections import Counter
from collections.abc import Callable, Collection, Iterator, Sequence
from contextlib import ExitStack, contextmanager

import torch
from torch import nn
from torch.nn.utils.fusion import fuse_conv_bn_weights
from torch.overrides import TorchFunctionMode

from itcortex.networks.layers import tensors_in
from itcortex.networks.torch_compat import timm

_log = logging.getLogger(__name__)

#: Modules that do what their names say and nothing else; classes made of them may do more.
_CONVOLUTIONS = (nn.Conv2d, timm.layers.Conv2dSame)
_NORMS = (nn.BatchNorm2d, timm.layers.BatchNormAct2d)
#: Largest difference, in lengths of a layer's values, that is rounding (values may be float16).
_TOLERANCE = 1e-3

#: Operations that read no values, and attributes that do although they are no operations.
_OF_SHAPE = {"__get__", "dim", "size", "numel", "stride", "is_contiguous", "is_floating_point"}
_OF_VALUES = {"data", "T", "mT", "H", "mH", "real", "imag"}
#: Operations that hand values to Python.
_TO_PYTHON = {
    "__bool__", "__int__", "__float__", "__complex__", "__index__", "__contains__", "__array__",
    "item", "tolist", "numpy", "equal", "allclose", "is_nonzero",
}  # fmt: skip

_Run = Callable[[], dict[str, torch.Tensor]]
_Pair = tuple[nn.Conv2d, nn.BatchNorm2d]


@contextmanager
def folded(
    model: nn.Module, runs: Sequence[_Run], kept: Collection[str], among: Collection[nn.Module]
) -> Iterator[int]:
    """A network in evaluation mode with its batch normalisations folded; its own again afterwards.

    Parameters
    ----------
    runs : each passes other images through the network and gives what its layers put out, by their names
    kept : names of modules whose output must stay what it is: a convolution among them is left alone
    among : the modules that may be changed, those that `plain_modules` found before hooks were added

    Yields how many were folded: those that read, once in every pass, what one convolution put out and
    nothing else reads. Should some layer then put out other values than before in any of the passes, or
    a pass depend on values of the images, none is folded.
    """
    with _Readers(model, kept, among) as readers:
        before = [readers.watched(run) for run in runs]
    pairs = readers.pairs(len(runs))
    with ExitStack() as originals:
        for pair in pairs:
            originals.enter_context(_fold(*pair))
        if pairs and any(_change(run(), values) for run, values in zip(runs, before, strict=True)):
            _log.warning(
                "batch normalisations are left as they are: folded they change what layers put out"
            )
            originals.close()
            pairs = []
        yield len(pairs)


def plain_modules(model: nn.Module) -> set[nn.Module]:
    """Convolutions and batch normalisations that do what their class says, with weights of their own.

    Not so where something of the module's was replaced (its `forward`), where a hook may change what it
    reads or puts out, and where its weight is computed from others (weight norm, pruning).
    """
    return {m for m in model.modules() if type(m) in (*_CONVOLUTIONS, *_NORMS) and _is_plain(m)}


def _is_plain(module: nn.Module) -> bool:
    own = vars(module)
    replaced = any(hasattr(type(module), name) for name in own)
    hooked = any(hooks for name, hooks in own.items() if name.endswith("_hooks"))
    computed = any(name not in module._parameters for name in ("weight", "bias"))
    return not (replaced or hooked or computed)


class _Readers(TorchFunctionMode):
    """Sees in passes what reads the output of every convolution."""

    def __init__(self, model: nn.Module, kept: Collection[str], among: Collection[nn.Module]):
        super().__init__()
        self.model, self.kept, self.among, self.hooks = model, kept, among, ExitStack()
        #: By the output's id: the convolution, and the output itself, so that no other gets its id.
        self.made: dict[int, tuple[nn.Conv2d, torch.Tensor]] = {}
        self.inside: list[nn.BatchNorm2d] = []
        self.found: Counter[_Pair] = Counter()
        self.runs: Counter[nn.Module] = Counter()
        self.read_elsewhere: set[nn.Conv2d] = set()
        self.decides = False

    def watched(self, run: _Run) -> dict[str, torch.Tensor]:
        """What layers put out in a pass."""
        self.made.clear()
        return dict(run())

    def pairs(self, passes: int) -> list[_Pair]:
        """Convolutions and normalisations that ran once a pass, the second the first's one reader."""
        if self.decides:
            _log.info(
                "batch normalisations are left as they are: the network's pass may depend on values"
            )
            return []
        return [
            (convolution, norm)
            for (convolution, norm), count in self.found.items()
            if self.runs[convolution] == self.runs[norm] == count == passes
            and convolution not in self.read_elsewhere
        ]

    def __enter__(self):
        for name, module in self.model.named_modules():
            if module not in self.among:
                continue
            if type(module) in _CONVOLUTIONS and name not in self.kept:
                self.hooks.enter_context(module.register_forward_hook(self._convolved))
            elif type(module) in _NORMS and not module.training and module.running_mean is not None:
                self.hooks.enter_context(module.register_forward_pre_hook(self._begins))
                self.hooks.enter_context(module.register_forward_hook(self._ends))
        return super().__enter__()

    def __exit__(self, *error):
        self.hooks.close()
        return super().__exit__(*error)

    def __torch_function__(self, function, types, args=(), kwargs=None):
        """Run one operation, and note whose output it reads, unless it asks for a shape alone."""
        name = getattr(function, "__name__", "")
        if name == "__get__" and getattr(function.__self__, "__name__", "") in _OF_VALUES:
            name = "view"
        self.decides |= name in _TO_PYTHON
        for tensor in tensors_in((args, kwargs)) if name not in _OF_SHAPE else ():
            convolution, _ = self.made.get(id(tensor), (None, None))
            if convolution and (
                not self.inside or (convolution, self.inside[-1]) not in self.found
            ):
                self.read_elsewhere.add(convolution)
        return function(*args, **(kwargs or {}))

    def _convolved(self, module, _arguments, output) -> None:
        self.runs[module] += 1
        self.made[id(output)] = (module, output)

    def _begins(self, module, arguments) -> None:
        self.runs[module] += 1
        self.inside.append(module)
        if id(arguments[0]) in self.made:
            self.found[self.made[id(arguments[0])][0], module] += 1

    def _ends(self, *_) -> None:
        self.inside.pop()


@contextmanager
def _fold(convolution: nn.Conv2d, norm: nn.BatchNorm2d) -> Iterator[None]:
    """Give a convolution the weights that do a normalisation's work, and leave this its activation."""
    weight, bias = convolution.weight, convolution.bias
    with torch.no_grad():
        convolution.weight, convolution.bias = fuse_conv_bn_weights(
            weight, bias, norm.running_mean, norm.running_var, norm.eps, norm.weight, norm.bias
        )
    rest = type(norm) is timm.layers.BatchNormAct2d
    norm.forward = (lambda x: norm.act(norm.drop(x))) if rest else (lambda x: x)
    try:
        yield
    finally:
        convolution.weight, convolution.bias = weight, bias
        del norm.forward


def _change(outputs: dict[str, torch.Tensor], before: dict[str, torch.Tensor]) -> bool:
    """Whether any layer puts out other values than before."""
    return any(_differ(value, before[name]) for name, value in outputs.items())


def _differ(one: torch.Tensor, other: torch.Tensor) -> bool:
    """Whether two tensors are further apart than rounding, or not of one shape."""
    if one.shape != other.shape:
        return True
    one, other = one.double(), other.double()
    return not bool((one - other).norm() <= _TOLERANCE * other.norm())
