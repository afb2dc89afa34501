"""A network up to one of its layers, and from it on with other maps than it made itself."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager

import torch
from torch import nn

from itcortex.errors import UserError
from itcortex.networks.layer_choice import INTERMEDIATE
from itcortex.networks.layers import Layer, as_maps, with_maps

#: Largest relative difference of scores from a pass of one image and from one of several.
_TOLERANCE = 1e-3


class _ReachedError(Exception):
    """The layer has been reached: the rest of the network need not run."""


def maps_up_to(model: nn.Module, layer: Layer, batch: torch.Tensor) -> torch.Tensor:
    """A layer's maps float32 (image, height, width, channel) of a batch; what comes after it is not run.

    Raises `UserError` for a layer that is no module's own tensor.
    """
    seen: list[torch.Tensor] = []

    def stop(_module, _arguments, output):
        seen.append(as_maps(_own_tensor(output, layer), layer).float())
        raise _ReachedError

    with _module_of(model, layer).register_forward_hook(stop), torch.inference_mode():
        try:
            model(batch)
        except _ReachedError:
            return seen[0]
    raise ValueError(f"layer {layer.name} put out nothing in a pass")


def _module_of(model: nn.Module, layer: Layer) -> nn.Module:
    if layer.name.startswith(INTERMEDIATE):
        raise UserError(
            f"layer {layer.name!r} is no module's output, so that the rest of the network cannot be "
            "given other maps; name modules in the column `layers` of the model table"
        )
    return model.get_submodule(layer.name)


def _own_tensor(output: object, layer: Layer) -> torch.Tensor:
    if not isinstance(output, torch.Tensor):
        raise UserError(
            f"layer {layer.name!r} puts out a {type(output).__name__}, so that its maps cannot be "
            "replaced; name another one in the column `layers` of the model table"
        )
    return output


class ReplacedLayer:
    """The class scores of a network as a function of one layer's maps, for one image.

    Where the rest of the network takes it, the part before the layer is run for the image once, and the
    rest for all maps: whether it does is tried on the first maps. Otherwise all of it runs for all maps.

    Parameters
    ----------
    model : a classifier, in eval mode
    layer : a module's output

    Raises `UserError` for a layer that is no module's own tensor.
    """

    def __init__(self, model: nn.Module, layer: Layer):
        self.model, self.layer = model, layer
        self._module = _module_of(model, layer)
        self._alone: bool | None = None

    def look(self, image: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        """The layer's own maps (1, height, width, channel), and class scores (class,), of one image.

        `image` is (1, rgb, row, column). Raises `UserError` for a network without class scores.
        """
        seen: list[torch.Tensor] = []

        def keep(output: torch.Tensor) -> torch.Tensor:
            seen.append(as_maps(output, self.layer).float().clone())
            return output

        with self._changing(keep):
            scores = _require_scores(self.model, self._run(image), 1)
        return seen[0], scores[0]

    def scores(self, image: torch.Tensor, maps: torch.Tensor) -> torch.Tensor:
        """Class scores (map, class) of one image with `maps` (map, height, width, channel)."""
        if self._alone is None:
            self._alone = self._rest_runs_alone(image, maps[:2])
        return self._with(image if self._alone else _repeated(image, maps), maps)

    def _rest_runs_alone(self, image: torch.Tensor, maps: torch.Tensor) -> bool:
        """Whether one image before the layer gives the scores that an image for every map gives."""
        if len(maps) < 2:
            return False
        expected = self._with(_repeated(image, maps), maps)
        try:
            found = self._with(image, maps)
        except (RuntimeError, UserError):  # what came around the layer has one image only
            return False
        return bool((found - expected).norm() <= _TOLERANCE * expected.norm())

    def _with(self, images: torch.Tensor, maps: torch.Tensor) -> torch.Tensor:
        with self._changing(lambda output: with_maps(output[:1], maps.to(output), self.layer)):
            return _require_scores(self.model, self._run(images), len(maps))

    def _run(self, images: torch.Tensor) -> torch.Tensor:
        with torch.inference_mode():
            return self.model(images)

    @contextmanager
    def _changing(self, change: Callable[[torch.Tensor], torch.Tensor]) -> Iterator[None]:
        def hook(_module, _arguments, output):
            return change(_own_tensor(output, self.layer))

        with self._module.register_forward_hook(hook):
            yield


def _repeated(image: torch.Tensor, maps: torch.Tensor) -> torch.Tensor:
    return image.expand(len(maps), -1, -1, -1).contiguous(memory_format=torch.channels_last)


def _require_scores(model: nn.Module, scores: object, count: int) -> torch.Tensor:
    """What a network puts out, if it is scores of classes (image, class) of so many images."""
    is_scores = isinstance(scores, torch.Tensor) and scores.ndim == 2 and len(scores) == count
    if not is_scores or getattr(model, "num_classes", None) == 0:
        raise UserError(
            f"{type(model).__name__}: does not put out scores of classes (image, class), which concepts "
            "could be important for; take a classifier, with its head, for `concepts: models`"
        )
    return scores.float()
