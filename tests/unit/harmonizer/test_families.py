"""The harmonizer on networks of all kinds: gradients of 24 families, and timm as a whole."""

import copy
from dataclasses import replace

import pytest
import torch

from itcortex.harmonizer.double_backward import (
    double_backward,
    require_double_backward,
    score_gradient,
)
from itcortex.harmonizer.loss import harmonizer_loss, reduce_colour
from itcortex.harmonizer.pyramid import match_maximum, pyramidal_mse, standardize_cut
from itcortex.networks.preprocessing import Preprocessing
from itcortex.networks.timm_networks import skeleton
from itcortex.networks.torch_compat import timm
from made.families import FAMILIES, Family, make
from made.skeletons import Undrawn, thinned

pytestmark = pytest.mark.network

# --- gradients of real networks -------------------------------------------------------------------

#: Step of the finite difference along a direction of about the parameters' own size. With ReLUs the
#: loss jumps wherever a unit switches on: the step must be shorter than the way to the next switch,
#: and DenseNet's units are many.
STEPS = {"densenet121": 1e-9}
#: Options with which a family is shallower here; its blocks are no chain that could be thinned.
SHALLOW = {
    "maxvit_pico_rw_256": {"depths": (1, 1, 1, 1)},
    "xcit_nano_12_p8_224": {"depth": 3},
    "pvt_v2_b0": {"depths": (1, 1, 1, 1)},
    "crossvit_tiny_240": {"depth": ((1, 1, 0), (1, 1, 0))},
}
#: Beside the families whose layers are tested (nothing is known of the layers of these): one with
#: hardsigmoid, one with 'same' padding, one with standardised weights, one with recurrent layers.
MORE = [
    Family(architecture, size, count=0, matched=0, last=(0, 0, 0))
    for architecture, size in (
        ("ghostnet_100", 64),
        ("tf_efficientnet_lite0", 64),
        ("nf_regnet_b0", 64),
        ("sequencer2d_s", 42),
    )
]


def in_training(family):
    """The family's network in training mode and float64, its random parts switched off.

    Of equal blocks in a chain two are enough, and of `SHALLOW` families few.
    """
    shallow = SHALLOW.get(family.architecture)
    model, preprocessing = make(
        replace(family, options=family.options | shallow) if shallow else family
    )
    model = copy.deepcopy(model)
    if not shallow and family.architecture != "levit_128s":  # of which two have a kink nearby
        thinned(model)
    model = model.double().train()
    for module in model.modules():
        if isinstance(module, torch.nn.Dropout):
            module.p = 0.0
        for name in ("drop_prob", "drop_rate"):  # timm's DropPath, and calls of F.dropout
            if hasattr(module, name):
                setattr(module, name, 0.0)
    return model, preprocessing.input_size


class Slope:
    """The harmonization of one batch as a function of a step along a random direction."""

    def __init__(self, family):
        self.model, size = in_training(family)
        generator = torch.Generator().manual_seed(3)

        def random(draw, *shape):
            return draw(*shape, generator=generator, dtype=torch.float64)

        self.images, self.labels = random(torch.randn, 2, *size), torch.tensor([1, 7])
        self.human, self.tokens = random(torch.rand, 2, *size[1:]), torch.ones(2).double()
        self.parameters = [p for p in self.model.parameters() if p.requires_grad]
        self.direction = [
            random(torch.randn, *p.shape) * p.detach().square().mean().sqrt()
            for p in self.parameters
        ]

    def by_autograd(self):
        """Derivative of the harmonization: of the whole loss, less that without maps."""
        slopes = []
        for strength in (1.0, 0.0):
            parts = harmonizer_loss(
                self.model, self.images, self.labels, self.human, self.tokens,
                strength=strength, epsilon="relative",
            )  # fmt: skip
            self.model.zero_grad()
            parts.backward()
            assert parts.total.isfinite()
            pairs = [
                (p.grad, d)
                for p, d in zip(self.parameters, self.direction, strict=True)
                if p.grad is not None
            ]
            assert all(g.isfinite().all() for g, _ in pairs)
            slopes.append(sum((g * d).sum().item() for g, d in pairs))
        assert len(pairs) > len(self.parameters) / 2
        return slopes[0] - slopes[1]

    def by_difference(self, step):
        """The same by two evaluations; the target is a constant, as under the stop-gradient."""
        target = match_maximum(standardize_cut(self.human, "relative"), self.cut_maps(0))
        after, before = (
            pyramidal_mse(self.cut_maps(s), target, self.tokens).item() for s in (step, -step)
        )
        return (after - before) / (2 * step)

    def cut_maps(self, step):
        """Standardised saliency so many steps along the direction."""
        self.move(step)
        images = self.images.clone().requires_grad_()
        with double_backward():
            gradient = score_gradient(self.model(images), images, self.labels)
        self.move(-step)
        return standardize_cut(reduce_colour(gradient.detach()), "relative")

    def move(self, step):
        """Move all parameters."""
        with torch.no_grad():
            for parameter, direction in zip(self.parameters, self.direction, strict=True):
                parameter.add_(direction, alpha=step)


@pytest.mark.parametrize("family", FAMILIES + MORE, ids=lambda family: family.architecture)
def test_gradients_are_finite_and_those_of_finite_differences(family):
    """Absolute tolerance: rounding of a loss of order 1, 1e-15, over a step of 1e-8."""
    slope = Slope(family)
    step = STEPS.get(family.architecture, 1e-8)
    found = slope.by_autograd()
    assert abs(found) > 1e-5
    assert found == pytest.approx(slope.by_difference(step), rel=1e-5, abs=1e-15 / step)


# --- all of timm ----------------------------------------------------------------------------------

#: The smallest network of every architecture module (timm 1.0.31), without timm's own test networks.
SMALLEST = {
    "beit": "beit_base_patch16_224",
    "byoanet": "eca_botnext26ts_256",
    "byobnet": "mobileone_s1",
    "cait": "cait_xxs24_224",
    "coat": "coat_tiny",
    "convit": "convit_tiny",
    "convmixer": "convmixer_768_32",
    "convnext": "convnext_zepto_rms",
    "cpubone": "cpubone_nano",
    "crossvit": "crossvit_tiny_240",
    "csatv2": "csatv2",
    "cspnet": "cs3darknet_focus_s",
    "cspnext": "cspnext_tiny",
    "davit": "davit_tiny",
    "deepseek_vit": "deepseek_vit_412m",
    "deit": "deit_tiny_patch16_224",
    "densenet": "densenet121",
    "dla": "dla46x_c",
    "dpn": "dpn68",
    "edgenext": "edgenext_xx_small",
    "efficientformer": "efficientformer_l1",
    "efficientformer_v2": "efficientformerv2_s0",
    "efficientnet": "mobilenetv2_050",
    "efficientvim": "efficientvim_m1",
    "efficientvit_mit": "efficientvit_b0",
    "efficientvit_msra": "efficientvit_m0",
    "eva": "eva02_tiny_patch14_336",
    "fasternet": "fasternet_t0",
    "fastvit": "fastvit_t8",
    "focalnet": "focalnet_tiny_srf",
    "gcvit": "gcvit_xxtiny",
    "gemma4_vit": "gemma4_vit_167m",
    "ghostnet": "ghostnet_100",
    "hardcorenas": "hardcorenas_b",
    "hgnet": "hgnetv2_b0",
    "hiera": "hiera_tiny_224",
    "hieradet_sam2": "sam2_hiera_tiny",
    "hrnet": "hrnet_w18_small",
    "iformer": "iformer_s",
    "inception_next": "inception_next_atto",
    "inception_resnet_v2": "inception_resnet_v2",
    "inception_v3": "inception_v3",
    "inception_v4": "inception_v4",
    "lcnetv2": "lcnetv2_small",
    "levit": "levit_128s",
    "lowformer": "lowformer_b0",
    "mambaout": "mambaout_femto",
    "maxxvit": "maxvit_rmlp_pico_rw_256",
    "metaformer": "poolformerv2_s12",
    "mlp_mixer": "resmlp_12_224",
    "mobilenetv3": "mobilenetv3_small_050",
    "mobilenetv5": "mobilenetv5_base",
    "mobilevit": "mobilevit_xxs",
    "mvitv2": "mvitv2_tiny",
    "naflexvit": "naflexvit_base_patch16_parfac_gap",
    "nasnet": "nasnetalarge",
    "nest": "nest_tiny_jx",
    "nextvit": "nextvit_small",
    "nfnet": "nf_regnet_b1",
    "pit": "pit_ti_224",
    "pnasnet": "pnasnet5large",
    "pvt_v2": "pvt_v2_b0",
    "qwen3_vit": "qwen3_vit_88m",
    "rdnet": "rdnet_tiny",
    "regnet": "regnetx_002",
    "repghost": "repghostnet_050",
    "repvit": "repvit_m0_9",
    "res2net": "res2next50",
    "resnest": "resnest14d",
    "resnet": "resnet10t",
    "resnetv2": "resnetv2_18",
    "rexnet": "rexnet_100",
    "selecsls": "selecsls60",
    "senet": "legacy_seresnet18",
    "sequencer": "sequencer2d_s",
    "shvit": "shvit_s1",
    "sknet": "skresnet18",
    "starnet": "starnet_s1",
    "swiftformer": "swiftformer_xs",
    "swin_transformer": "swin_tiny_patch4_window7_224",
    "swin_transformer_v2": "swinv2_tiny_window8_256",
    "swin_transformer_v2_cr": "swinv2_cr_tiny_ns_224",
    "tiny_vit": "tiny_vit_5m_224",
    "tnt": "tnt_s_legacy_patch16_224",
    "tresnet": "tresnet_m",
    "twins": "twins_svt_small",
    "vgg": "vgg11",
    "visformer": "visformer_tiny",
    "vision_transformer": "vit_tiny_patch16_224",
    "vision_transformer_hybrid": "vit_tiny_r_s16_p8_224",
    "vision_transformer_relpos": "vit_srelpos_small_patch16_224",
    "vision_transformer_sam": "samvit_base_patch16_224",
    "vitamin": "vitamin_base_224",
    "volo": "volo_d1_224",
    "vovnet": "ese_vovnet19b_dw",
    "xception": "legacy_xception",
    "xception_aligned": "xception41p",
    "xcit": "xcit_nano_12_p8_224",
}
#: Modules whose smallest network is among those above, by value: no need to derive its shapes again.
VALUED = {
    module
    for module, architecture in SMALLEST.items()
    if architecture in {family.architecture for family in FAMILIES + MORE}
}


def test_every_module_of_timm_has_its_network():
    """A new module of timm is a new line above."""
    assert set(timm.list_modules()) - SMALLEST.keys() == set()


@pytest.mark.parametrize("module", sorted(SMALLEST.keys() & set(timm.list_modules()) - VALUED))
def test_every_module_of_timm_can_be_differentiated_twice(module):
    """On the meta device: shapes and derivatives, no values; of more than two equal blocks, two."""
    with Undrawn():
        model = thinned(skeleton(SMALLEST[module])).train()
    require_double_backward(model, Preprocessing.of(model).input_size)
