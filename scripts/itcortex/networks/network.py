"""What a row of the model table says of a network: how it is built, and what its images look like.

A network is one of timm's, by name, or a user's own: `builder` names a function that returns a
`torch.nn.Module`. A `Network` holds JSON values only, so that it can be a parameter of a rule.
Nothing here loads torch before a network is built.
"""

import json
import logging
from collections.abc import Iterable
from dataclasses import asdict, dataclass, field
from typing import TYPE_CHECKING

from itcortex.errors import UserError, nearest
from itcortex.networks.builders import check_arguments, find_builder, how_to_install

if TYPE_CHECKING:
    import torch
    from torch import nn

    from itcortex.networks.preprocessing import Preprocessing

_log = logging.getLogger(__name__)

#: Names of Pillow's ways of resizing.
INTERPOLATIONS = ("nearest", "bilinear", "bicubic", "lanczos", "box", "hamming")
#: Pixels a side from which images may be halved: a network that divides by 32 still has a map.
_HALVED_PX = 128


@dataclass(frozen=True)
class Network:
    """One network, without its weights.

    `architecture` is timm's name (with the tag of its weights, if it has any). With a `builder`,
    `package.module:function` or `path/to/file.py:function` (relative to the working directory), it may
    be any name. `arguments` are keyword arguments of the builder or of timm. `preprocessing` holds those
    of input_size, mean, std and interpolation that the network's configuration in timm does not give,
    or gives wrongly.
    """

    architecture: str
    builder: str = ""
    arguments: dict = field(default_factory=dict)
    preprocessing: dict = field(default_factory=dict)

    @classmethod
    def of_row(cls, row: dict) -> "Network":
        """The network of a row of the model table; raises `UserError` with column and value.

        Weights by `timm:<tag>` make the architecture `name.tag`: preprocessing goes by the tag.
        """
        kind, _, tag = row["source"].partition(":")
        tagged = f"{row['architecture']}.{tag}" if kind == "timm" else row["architecture"]
        return cls(
            architecture=tagged,
            builder=row.get("builder", ""),
            arguments=_json_object(row.get("arguments", ""), "arguments"),
            preprocessing=checked_preprocessing(
                _json_object(row.get("preprocessing", ""), "preprocessing")
            ),
        )

    def asdict(self) -> dict:
        """The JSON values, for a rule's parameters: `Network(**network.asdict())` is the same."""
        return asdict(self)

    def build(self, seed: int | None = None) -> "nn.Module":
        """The network in eval mode, untrained, its initial weights drawn with `seed`, in float32.

        Raises `UserError` for an architecture, builder or arguments that do not give a network.
        """
        from torch import nn  # noqa: PLC0415 (takes seconds)

        from itcortex.networks import timm_networks  # noqa: PLC0415

        if not self.builder:
            return timm_networks.build(self.architecture, seed, **self.arguments)
        function = find_builder(self.builder)
        check_arguments(function, self.builder, self.arguments)
        with timm_networks.seeded(seed):
            try:
                model = function(**self.arguments)
            except Exception as error:
                remedy = how_to_install(error) or "mend it, or what the column arguments hands it"
                raise UserError(
                    f"builder: {self.builder!r} fails with {self.arguments or 'no arguments'}: "
                    f"{type(error).__name__}: {error}; {remedy}"
                ) from error
        if not isinstance(model, nn.Module):
            raise UserError(
                f"builder: {self.builder!r} returns a {type(model).__name__}; "
                "it must return a torch.nn.Module"
            )
        if timm_networks.to_single(model):
            _log.info(
                f"builder: {self.builder!r} returns a network in half precision; it is run in float32"
            )
        return model.eval()

    def skeleton(self) -> "nn.Module":
        """The network for finding layers; timm's are built without values, which costs nothing.

        A user's builder may compute with values, so its network is built with them.
        """
        from itcortex.networks import timm_networks  # noqa: PLC0415

        if self.builder:
            return self.build(seed=0)
        return timm_networks.skeleton(self.architecture, **self.arguments)

    def preprocessing_of(self, model: "nn.Module") -> "Preprocessing":
        """What the images of `model`, this network, must look like.

        Raises `UserError` for a setting that neither this nor the model's configuration gives.
        """
        from itcortex.networks.preprocessing import Preprocessing  # noqa: PLC0415

        return Preprocessing.of(model, self.preprocessing)

    def check(self, names: Iterable[str] = ()) -> list[str]:
        """Names that may be given as layers, after a check of the network before any job.

        The layers `names`, or without names those that the rule finds, are what will be compared with
        neurons. Values decide what shapes cannot: whether a user's network is a function of one image,
        and whether these layers' maps are maps of the image, where their axes could not be followed
        through the pass. timm's networks are known, but for named layers that the rule would not choose
        from. Raises `UserError` if images cannot be run through the network, if it has no layer to
        choose, and for a network or a layer that fails.
        """
        from itcortex.networks import layer_choice  # noqa: PLC0415

        model = self.skeleton()
        size = self.preprocessing_of(model).input_size
        try:
            survey = layer_choice.Survey.without_values(model, size)
            known = [survey.readable[name] for name in names if name in survey.readable]
            layers = known if names or not self.builder else survey.choose()
            plain = survey.followed | (frozenset() if self.builder else survey.trunk)
            doubtful = [layer for layer in layers if layer.name not in plain]
            if self.builder:
                _require_function(model, size, doubtful)
            elif doubtful:
                _require_places(self.build(seed=0), size, doubtful)
        except UserError:
            raise
        except Exception as error:
            raise UserError(
                f"{self.builder or self.architecture}: images of {size} (channel, height, width) "
                f"cannot be run through the network: {type(error).__name__}: {error}"
            ) from error
        return list(survey.readable)


def _require_function(model: "nn.Module", input_size: tuple[int, int, int], layers: list) -> None:
    """Raise `UserError` if one's own network is no function of one image, or one of `layers` no map.

    Without layers two images are enough, and half of their size where a network takes that: what an
    image's values depend on is no matter of size.
    """
    from itcortex.networks import image_by_image, moved_patch  # noqa: PLC0415

    images = _images(model, input_size)
    if layers:
        with moved_patch.changes(model, layers) as changes:
            image_by_image.require_function_of_image(model, images)
        moved_patch.require_places(model, input_size, layers, changes)
        return
    pair = images[:2]  # the larger values first: beside them the other image is judged
    if min(input_size[1:]) >= _HALVED_PX:
        try:
            return image_by_image.require_function_of_image(model, pair[..., ::2, ::2])
        except image_by_image.CannotRunError:
            pass  # it needs its own size
    image_by_image.require_function_of_image(model, pair)


def _require_places(model: "nn.Module", input_size: tuple[int, int, int], layers: list) -> None:
    """Raise `UserError` if one of a network's layers does not change where the image does."""
    import torch  # noqa: PLC0415

    from itcortex.networks import moved_patch  # noqa: PLC0415

    images = _images(model, input_size)
    with moved_patch.changes(model, layers) as changes, torch.no_grad():
        model(images)
    moved_patch.require_places(model, input_size, layers, changes)


def _images(model: "nn.Module", input_size: tuple[int, int, int]) -> "torch.Tensor":
    """Three images to try a network with, whose weights are made such that they hide nothing.

    Both are laid out as for the extraction, which is faster and does not suit every network's own code.
    """
    import torch  # noqa: PLC0415

    from itcortex.networks import moved_patch  # noqa: PLC0415

    moved_patch.wake(model)
    model.to(memory_format=torch.channels_last)
    images = moved_patch.first_images(input_size)
    return images.to(next(model.parameters(), images)).to(memory_format=torch.channels_last)


# --- cells of the table ---------------------------------------------------------------------------


def checked_preprocessing(given: dict) -> dict:
    """`given`, if it holds only settings of a `Preprocessing` with values they can have."""
    checks = {
        "input_size": (_is_size, "[3, height, width]"),
        "mean": (_is_colour, "three numbers"),
        "std": (lambda value: _is_colour(value) and min(value) > 0, "three numbers above 0"),
        "interpolation": (lambda value: value in INTERPOLATIONS, f"one of {INTERPOLATIONS}"),
    }
    for name, value in given.items():
        if name not in checks:
            raise UserError(f"preprocessing: unknown key {name!r}; {nearest(name, list(checks))}")
        valid, wanted = checks[name]
        if not valid(value):
            raise UserError(f"preprocessing: {name}: {value!r} is not {wanted}")
    return given


def _is_size(value) -> bool:
    return _is_colour(value) and all(isinstance(n, int) and n > 0 for n in value) and value[0] == 3


def _is_colour(value) -> bool:
    return (
        isinstance(value, list)
        and len(value) == 3
        and all(isinstance(n, int | float) and not isinstance(n, bool) for n in value)
    )


def _json_object(text: str, column: str) -> dict:
    if not text:
        return {}
    example = '{"pad_type": "same"}' if column == "arguments" else '{"mean": [0.5, 0.5, 0.5]}'
    try:
        value = json.loads(text)
    except json.JSONDecodeError as error:
        raise UserError(f"{column}: {text!r} is not JSON ({error}); write {example}") from error
    if not isinstance(value, dict):
        raise UserError(f"{column}: {text!r} is not a JSON object; write {example}")
    return value
