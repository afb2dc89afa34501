"""Six small networks in Keras and in timm, and what Keras itself computed with them."""

from dataclasses import dataclass

import numpy as np
import torch

from itcortex.networks.torch_compat import timm
from made import keras as made_keras


@dataclass(frozen=True)
class Case:
    """A small network in Keras and in timm.

    golden : the first four logits of the second image that Keras itself computed in float64
        (TensorFlow 2.15.1 with efficientnet 1.1.1, vit_keras 0.1.2, keras_cv_attention_models 1.3.9
        and 1.4.3) from the file that `made_keras` writes, loaded by name.
    listing : SHA-256 of names and shapes of all weights in the file of the full network that the
        same packages write.
    """

    forward: object
    side: int
    keras: dict
    timm: object
    golden: tuple[float, ...]
    listing: str
    gain: float = 1.4

    def made(self, classes: int = 10) -> tuple[made_keras.Net, torch.Tensor, torch.Tensor]:
        net = made_keras.Net(np.random.default_rng(5), self.gain)
        images = net.images(2, self.side)
        return net, images, self.forward(net, images, classes=classes, **self.keras)


CASES = {
    "vgg16": Case(
        made_keras.vgg16,
        224,
        {"widths": (4, 4, 8, 8, 16), "hidden": (64, 4096)},
        lambda: timm.models.vgg.VGG(
            [4, 4, "M", 4, 4, "M", 8, 8, 8, "M", 8, 8, 8, "M", 16, 16, 16, "M"],
            num_classes=10,
            mlp_ratio=1 / 64,
        ),
        (-0.310834, 1.65269, -2.1162, 1.53065),
        "41a919116548b364bf98c7a2a98eaf7e819e5c52f590ffc375f1f11b28230025",
    ),
    "tf_efficientnet_b0": Case(
        made_keras.efficientnet_b0,
        64,
        {},
        lambda: timm.create_model("tf_efficientnet_b0", num_classes=10),
        (-0.493473, -2.1084, 3.20054, -4.18786),
        "20c056f9c6a1ab27f8504e02f757dc22dfb99288265e60852e18d2455839d5f3",
    ),
    "convnext_tiny": Case(
        made_keras.convnext,
        64,
        {"depths": (1, 2, 1, 1), "widths": (8, 16, 24, 32)},
        lambda: timm.create_model(
            "convnext_tiny", depths=(1, 2, 1, 1), dims=(8, 16, 24, 32), num_classes=10
        ),
        (-0.0407977, 1.48276, 1.82113, 0.396),
        "4394a68709425bb8a8b385000f42209073c6d402ed9d839c33463e241d18624b",
    ),
    "vit_base_patch16_224": Case(
        made_keras.vit,
        48,
        {"width": 24, "depth": 2, "heads_": 3, "mlp": 40},
        lambda: timm.create_model(
            "vit_base_patch16_224", img_size=48, embed_dim=24, depth=2, num_heads=3,
            mlp_ratio=40 / 24, num_classes=10,
        ),
        (0.620683, 0.2349, 1.42145, -1.87664),
        "5704d3017e4cd096dce5caf44926950d8c65fedbbf083abbc15a2bc4ec984c6d",
    ),
    "levit_128": Case(
        made_keras.levit,
        96,
        {"stem": 16, "widths": (24, 32), "counts": (2, 3, 4), "depths": (1, 2, 1), "key": 8},
        lambda: timm.models.levit.Levit(
            img_size=96, embed_dim=(16, 24, 32), key_dim=8, depth=(1, 2, 1), num_heads=(2, 3, 4),
            num_classes=10,
        ),
        (2.6899, 1.81186, 0.194989, -2.49532),
        "50867c1ace5dafb6be2570534585ba7df63ea2d10dd629969f00dc6f7e9aa225",
        gain=1.0,
    ),
    "maxvit_tiny_tf_224": Case(
        made_keras.maxvit,
        96,
        {"depths": (1, 1, 2, 1), "widths": (32, 64, 64, 96), "stem": 16},
        lambda: timm.create_model(
            "maxvit_tiny_tf_224", img_size=96, embed_dim=(32, 64, 64, 96), depths=(1, 1, 2, 1),
            stem_width=16, head_hidden_size=96, num_classes=10,
        ),
        (2.48018, -0.232953, -0.339933, -0.229681),
        "31bf92c6ffbda4d98e26bd899471d8343088446a34917e441c0c77d81fd9897a",
    ),
}  # fmt: skip


def convnext() -> torch.nn.Module:
    """The small ConvNeXt of timm."""
    return CASES["convnext_tiny"].timm()


def norm(name: str, epsilon: float) -> dict:
    """What a saved network says of a layer normalisation."""
    config = {"name": name, "epsilon": epsilon}
    return {"class_name": "LayerNormalization", "config": config}
