"""Small networks of many families, for tests of layers and activations."""

from dataclasses import dataclass, field, replace
from functools import cache

import torch
from torch import nn

from itcortex.networks.preprocessing import Preprocessing
from itcortex.networks.timm_networks import build

torch.set_num_threads(1)  # as in a job; on a busy machine two threads are six times slower than one


@dataclass(frozen=True, eq=False)  # compared by identity: options cannot be hashed
class Family:
    """An architecture, its input, how it is made small, and what is known of its layers.

    `count` layers are chosen, of which `matched` are among the maps that timm's own
    `forward_intermediates` gives: an independent reading of the same network. The last layer's map
    is `last` (height, width, channel), after dropping `prefix` tokens.
    """

    architecture: str
    size: int
    count: int
    matched: int
    last: tuple[int, int, int]
    prefix: int = 0
    options: dict = field(default_factory=dict)


def _tokens(size: int, **options) -> dict:
    return {"img_size": size, **options}


FAMILIES = [
    Family("test_resnet", 96, 8, 5, (3, 3, 96)),
    Family("vgg11", 64, 10, 5, (2, 2, 512), options={"mlp_ratio": 1 / 64}),
    Family("densenet121", 64, 10, 2, (2, 2, 1024)),
    Family("test_efficientnet", 96, 10, 3, (3, 3, 256)),
    Family("mobilenetv3_small_050", 96, 10, 5, (3, 3, 288)),
    Family("test_convnext", 96, 10, 1, (3, 3, 64)),
    Family("regnetx_002", 96, 10, 4, (3, 3, 368)),
    Family("dla46x_c", 64, 8, 6, (2, 2, 256)),
    Family("vit_tiny_patch16_224", 96, 10, 9, (6, 6, 192), 1, _tokens(96)),
    Family("deit_tiny_distilled_patch16_224", 96, 10, 9, (6, 6, 192), 2, _tokens(96)),
    Family("vit_tiny_patch16_dinov3_qkvb", 96, 10, 9, (6, 6, 192), 5, _tokens(96)),
    Family(
        "swin_tiny_patch4_window7_224", 64, 10, 4, (2, 2, 384), 0,
        _tokens(64, window_size=4, embed_dim=48),
    ),
    Family("mixer_s32_224", 96, 9, 8, (3, 3, 512), 0, _tokens(96)),
    Family("levit_128s", 224, 10, 2, (4, 4, 384)),
    Family("maxvit_pico_rw_256", 64, 10, 4, (2, 2, 256), 0, _tokens(64)),
    Family(
        "beit_base_patch16_224", 96, 10, 9, (6, 6, 96), 1,
        _tokens(96, embed_dim=96, num_heads=3),
    ),
    Family("cait_xxs24_224", 96, 10, 9, (6, 6, 192), 1, _tokens(96)),
    Family("xcit_nano_12_p8_224", 64, 10, 8, (8, 8, 128), 1),
    Family("pvt_v2_b0", 64, 10, 3, (2, 2, 256)),
    Family("crossvit_tiny_240", 120, 6, 6, (7, 7, 192), 0, _tokens(120)),
]  # fmt: skip


@cache
def make(family: Family) -> tuple[nn.Module, Preprocessing]:
    """The network with random weights, and its preprocessing at the family's input size.

    All parameters get noise: many networks begin with blocks that do nothing (a last scale of zero),
    and neighbouring layers that are equal could be taken for each other unseen.
    """
    model = build(family.architecture, seed=1, **family.options)
    generator = torch.Generator().manual_seed(0)
    with torch.no_grad():
        for p in model.parameters():
            p.add_(torch.randn(p.shape, generator=generator), alpha=0.1 if p.ndim < 2 else 0.01)
    preprocessing = replace(Preprocessing.of(model), input_size=(3, family.size, family.size))
    return model, preprocessing
