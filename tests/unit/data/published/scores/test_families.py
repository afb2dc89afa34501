"""Families follow from names by the stated rule."""

import pytest

from itcortex.data.published.scores.families import family_of

NAMES = {
    "resnet-101_v2": "resnet",
    "ResNet-101 v2": "resnet",
    "resnet50d.ra2_in1k": "resnet",
    "resnetv2_50": "resnet",
    "seresnet50.ra2_in1k": "resnet",
    "resnext101_32x8d_wsl": "resnext",
    "fixres_resnext101_32x48d_wsl": "resnext",
    "wide_resnet50_2": "resnet",
    "tf_efficientnet_b0.ns_jft_in1k": "efficientnet",
    "AdvProp_efficientnet-b0": "efficientnet",
    "tf_efficientnetv2_s": "efficientnet",
    "effnetb1_272x240": "efficientnet",
    "vit_base_patch16_224.mae": "vit",
    "ViT-L/14": "vit",
    "deit_small_imagenet_full_seed-0": "vit",
    "convnextv2_tiny.fcmae": "convnext",
    "convnext_base:clip_laiona_augreg_ft_in1k_384": "convnext",
    "mobilenet_v1_0.25_128": "mobilenet",
    "mobilenetv3_large_100": "mobilenet",
    "MobileNet v2_0.75_224": "mobilenet",
    "BaseNet6 100_1--380000": "basenet",
    "densenet-121": "densenet",
    "inception_v3": "inception",
    "CORnet-S": "cornet",
    "NASnet Large": "nasnet",
    "PNASnet Large": "nasnet",
    "regnety_032": "regnet",
    "RegNet-128Gf": "regnet",
    "res2net50_26w_4s": "res2net",
    "nf_resnet50": "resnet",
    "0.5x_resnet-18_LC_w_sh_1_iter": "resnet",
    "xception": "xception",
    "xcit_nano_12_p8_224": "xcit",
    "1234": "1234",
}


@pytest.mark.parametrize(("name", "family"), NAMES.items())
def test_families_follow_from_names(name, family):
    assert family_of(name) == family


def test_a_family_is_named_alike_wherever_it_comes_from():
    assert (
        len({family_of(name) for name in ("resnet18", "ResNet-34", "tf_resnet50", " resnet101")})
        == 1
    )
