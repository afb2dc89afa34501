"""What a network expects of an image."""

from dataclasses import asdict, dataclass, fields

import numpy as np
import torch
from PIL import Image
from torch import nn

from itcortex.errors import UserError
from itcortex.networks.torch_compat import timm


@dataclass(frozen=True)
class Preprocessing:
    """What a network's images must look like: `input_size` (channel, height, width), mean, std.

    The WHOLE image is resized to the input size, without timm's central crop and whatever its
    aspect: the positions of a recording's grid span the whole image, so a layer's map must too.
    """

    input_size: tuple[int, int, int]
    mean: tuple[float, float, float]
    std: tuple[float, float, float]
    interpolation: str

    @classmethod
    def of(cls, model: nn.Module, given: dict | None = None) -> "Preprocessing":
        """What the model's configuration in timm asks for, and `given` instead where it says so.

        Raises `UserError` for a setting that is neither given nor configured: timm's own defaults
        are a guess that a network of other origin need not share.
        """
        given = given or {}
        names = [field.name for field in fields(cls)]
        missing = [name for name in names if name not in given]
        if missing and not getattr(model, "pretrained_cfg", None):
            raise UserError(
                f"preprocessing: {type(model).__name__} carries no configuration of timm, and "
                f"{', '.join(map(repr, missing))} not given; write them into the model's row"
            )
        config = (timm.data.resolve_model_data_config(model) if missing else {}) | given
        size, mean, std = (tuple(config[key]) for key in ("input_size", "mean", "std"))
        return cls(size, mean, std, config["interpolation"])

    @staticmethod
    def origins(model: nn.Module, given: dict) -> dict[str, str]:
        """Where each setting comes from: `row`, or timm's configuration, with its name."""
        config = getattr(model, "pretrained_cfg", None) or {}
        named = [config.get("architecture", type(model).__name__), config.get("tag") or ""]
        timms = f"timm's configuration of {'.'.join(filter(None, named))}"
        return {
            field.name: "row" if field.name in given else timms for field in fields(Preprocessing)
        }

    def __call__(self, images: np.ndarray) -> torch.Tensor:
        """Images uint8 (image, row, column, rgb) as a batch float32 (image, rgb, row, column)."""
        _, height, width = self.input_size
        how = Image.Resampling[self.interpolation.upper()]
        resized = [np.asarray(Image.fromarray(i).resize((width, height), how)) for i in images]
        batch = torch.from_numpy(np.stack(resized)).permute(0, 3, 1, 2).float().div_(255)
        mean, std = (torch.tensor(v).view(3, 1, 1) for v in (self.mean, self.std))
        return batch.sub_(mean).div_(std).contiguous()

    def asdict(self) -> dict:
        """The settings as JSON values, for the attributes of a file."""
        return {k: list(v) if isinstance(v, tuple) else v for k, v in asdict(self).items()}
