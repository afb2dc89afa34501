"""Which parameters decay, and what that adds to the loss."""

import pytest
from torch import nn

from itcortex.harmonizer.decay import decayed_parameters, half_squares
from itcortex.networks.timm_networks import skeleton

pytestmark = pytest.mark.network


def test_decay_spares_norms_embeddings_and_tokens():
    """What it takes and spares in a transformer, by name; biases of linear maps are taken."""
    model = skeleton("vit_tiny_patch16_224")
    decayed = set(decayed_parameters(model))
    names = dict(model.named_parameters()).keys()
    spared = names - decayed
    assert {"cls_token", "pos_embed", "patch_embed.proj.weight", "norm.weight"} <= spared
    assert all(any(w in n for w in ("norm", "embed", "cls_token")) for n in spared)
    assert {"head.bias", "blocks.0.attn.qkv.bias", "blocks.11.mlp.fc2.weight"} <= decayed


def test_decay_spares_norms_that_are_not_called_so():
    """A ResNet's shortcut: `downsample.1` is a batch norm, `downsample.0` a convolution."""
    decayed = decayed_parameters(skeleton("resnet18"))
    assert "layer2.0.downsample.0.weight" in decayed and "fc.bias" in decayed
    assert not any(".downsample.1." in n or "bn" in n for n in decayed)


@pytest.mark.parametrize(
    ("architecture", "taken"),
    [
        ("levit_128s", "stem.conv1.linear.weight"),  # a ConvNorm holds both
        ("mixer_s32_224", "blocks.0.mlp_tokens.fc1.weight"),  # a map over tokens is no token
        ("swin_tiny_patch4_window7_224", "layers.0.blocks.0.attn.qkv.weight"),
        ("resmlp_12_224", "blocks.0.ls1"),
    ],
)
def test_decay_takes_every_map_of_other_families(architecture, taken):
    """All weights of two axes and more but embeddings."""
    model = skeleton(architecture)
    decayed = decayed_parameters(model)
    assert taken in decayed
    maps = {n for n, p in model.named_parameters() if n.endswith("weight") and p.ndim > 1}
    assert maps - decayed.keys() == {n for n in maps if "embed" in n}
    assert not any("norm" in n.rpartition(".")[0].rpartition(".")[2] for n in decayed)


def test_frozen_and_shared_parameters():
    """What is not trained is not drawn to zero; what is used twice counts once."""
    model = nn.Sequential(nn.Linear(2, 2, bias=False), nn.Linear(2, 2, bias=False))
    model[1].weight = model[0].weight
    assert half_squares(decayed_parameters(model)).item() == pytest.approx(
        model[0].weight.square().sum().item() / 2
    )
    model.requires_grad_(False)
    assert decayed_parameters(model) == {}
    assert half_squares({}) == 0
