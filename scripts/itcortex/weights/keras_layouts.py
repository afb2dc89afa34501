"""Where the weights of Keras networks belong in timm's networks of the same form.

A layout is a list of rules. Every rule is the name of a layer in Keras and its counterpart in timm.
Groups in braces are numbers that Keras counts from one and timm from zero (`n`, `m`), numbers that are
the same in both (`i`), or letters (`a`), which are numbers from zero in timm.

The packages are those with which the Serre lab built and loads its harmonized networks
(serre-lab/Harmonization, `harmonization/models`; serre-lab/Harmonization-old, `training/models`):
keras.applications, `efficientnet`, `vit_keras` and `keras_cv_attention_models`. Names were taken from
files that TensorFlow 2.15 wrote, with vit_keras 0.1.2 and keras_cv_attention_models 1.3.9 and 1.4.3.
"""

import re
from dataclasses import dataclass
from functools import cached_property

from itcortex.errors import UserError, nearest

_GROUPS = {"n": "[1-9][0-9]?", "m": "[1-9][0-9]?", "i": "[0-9]{1,2}", "a": "[a-z]"}


@dataclass(frozen=True)
class Layout:
    """Names of one network in Keras and in timm.

    package : who builds the network in Keras.
    rules : pairs of a Keras layer and timm's module, or timm's tensor where the layer is one tensor.
    stacked : pairs of the end of a module of timm and the last names of the Keras layers in it.
    hint : what a row of the model table must say for timm's network to have this form.
    """

    package: str
    rules: tuple[tuple[str, str], ...]
    stacked: tuple[tuple[str, tuple[str, ...]], ...] = ()
    hint: str = ""

    @cached_property
    def _patterns(self) -> list[tuple[re.Pattern, str]]:
        return [(re.compile(_expression(layer)), module) for layer, module in self.rules]

    def place(self, layer: str) -> str | None:
        """timm's counterpart of a Keras layer; None for a layer that the network does not have."""
        for pattern, module in self._patterns:
            if found := pattern.fullmatch(layer):
                return module.format(**{k: _counted(k, v) for k, v in found.groupdict().items()})
        return None

    def parts(self, tensor: str) -> tuple[str, ...]:
        """Last names of the Keras layers that timm stacks in a tensor, in order; ("",) for none."""
        module = tensor.rpartition(".")[0]
        return next((ends for end, ends in self.stacked if module.endswith(end)), ("",))


def layout_of(architecture: str) -> Layout:
    """Layout of the Keras network that computes the same as timm's `architecture`.

    Raises `UserError` if there is none, with the reason if it is known.
    """
    name = architecture.partition(".")[0]
    for start, reason in REFUSED.items():
        if name.startswith(start):
            raise UserError(f"architecture: no Keras file can be read into {name!r}: {reason}")
    if name not in LAYOUTS:
        raise UserError(
            f"architecture: no Keras file can be read into {name!r}: no layout for it is known; "
            f"{nearest(name, list(LAYOUTS))}"
        )
    return LAYOUTS[name]


def _expression(layer: str) -> str:
    return re.sub(r"\{(\w)\}", lambda group: f"(?P<{group[1]}>{_GROUPS[group[1]]})", layer)


def _counted(group: str, value: str) -> int:
    if group == "a":
        return ord(value) - ord("a")
    return int(value) if group == "i" else int(value) - 1


def _below(layer: str, module: str, rules: dict[str, str]) -> tuple[tuple[str, str], ...]:
    return tuple((layer + name, module + place) for name, place in rules.items())


# --- keras.applications.VGG16 ---------------------------------------------------------------------

# timm counts convolutions, activations and pools in one sequence.
_VGG16 = (
    *((f"block1_conv{c}", f"features.{2 * c - 2}") for c in (1, 2)),
    *((f"block2_conv{c}", f"features.{2 * c + 3}") for c in (1, 2)),
    *(
        (f"block{b}_conv{c}", f"features.{7 * b + 2 * c - 13}")
        for b in (3, 4, 5)
        for c in (1, 2, 3)
    ),
    ("fc1", "pre_logits.fc1"),
    ("fc2", "pre_logits.fc2"),
    ("predictions", "head.fc"),
)

# --- efficientnet.EfficientNetB0 ------------------------------------------------------------------

_SQUEEZE = {"_se_reduce": ".se.conv_reduce", "_se_expand": ".se.conv_expand"}
_EFFICIENTNET = (
    ("stem_conv", "conv_stem"),
    ("stem_bn", "bn1"),
    *_below(
        "block1{a}",  # has no expansion, which moves timm's numbers
        "blocks.0.{a}",
        {
            "_dwconv": ".conv_dw", "_bn": ".bn1", "_project_conv": ".conv_pw",
            "_project_bn": ".bn2", **_SQUEEZE,
        },
    ),
    *_below(
        "block{n}{a}",
        "blocks.{n}.{a}",
        {
            "_expand_conv": ".conv_pw", "_expand_bn": ".bn1", "_dwconv": ".conv_dw", "_bn": ".bn2",
            "_project_conv": ".conv_pwl", "_project_bn": ".bn3", **_SQUEEZE,
        },
    ),
    ("top_conv", "conv_head"),
    ("top_bn", "bn2"),
    ("probs", "classifier"),
)  # fmt: skip

# --- keras_cv_attention_models: ConvNeXt, LeViT, MaxViT -------------------------------------------

_CONVNEXT = (
    ("stem_conv", "stem.0"),
    ("stem_ln", "stem.1"),
    ("stack{n}_downsample_ln", "stages.{n}.downsample.0"),
    ("stack{n}_downsample_conv", "stages.{n}.downsample.1"),
    *_below(
        "stack{n}_block{m}_",
        "stages.{n}.blocks.{m}.",
        {
            "dw_conv": "conv_dw", "ln": "norm", "up_dense": "mlp.fc1", "down_dense": "mlp.fc2",
            "gamma": "gamma",
        },
    ),
    ("head_ln", "head.norm"),
    ("predictions", "head.fc"),
)  # fmt: skip

_LEVIT_MLP = {
    f"mlp_{k}_{end}": f"mlp.ln{k}.{place}"
    for k in (1, 2)
    for end, place in (("dense", "linear"), ("bn", "bn"))
}
_LEVIT = (
    ("stem_{i}_conv", "stem.conv{i}.linear"),
    ("stem_{i}_bn", "stem.conv{i}.bn"),
    *_below(
        "stack{n}_block{m}_",
        "stages.{n}.blocks.{m}.",
        {
            "qkv": "attn.qkv.linear", "qkv_bn": "attn.qkv.bn",
            "attn_pos": "attn.attention_biases",
            "out": "attn.proj.ln.linear", "out_bn": "attn.proj.ln.bn", **_LEVIT_MLP,
        },
    ),
    *_below(
        "stack{i}_downsample_",  # ends a stage in Keras, opens the next in timm
        "stages.{i}.downsample.",
        {
            "q": "attn_downsample.q.ln.linear", "q_bn": "attn_downsample.q.ln.bn",
            "kv": "attn_downsample.kv.linear", "kv_bn": "attn_downsample.kv.bn",
            "attn_pos": "attn_downsample.attention_biases",
            "out": "attn_downsample.proj.ln.linear", "out_bn": "attn_downsample.proj.ln.bn",
            **_LEVIT_MLP,
        },
    ),
    ("head_bn", "head.bn"),
    ("head", "head.linear"),
)  # fmt: skip

_MAXVIT = (
    ("stem_1_conv", "stem.conv1"),
    ("stem_1_bn", "stem.norm1"),
    ("stem_2_conv", "stem.conv2"),
    *_below(
        "stack_{n}_block_{m}/mbconv/",
        "stages.{n}.blocks.{m}.conv.",
        {
            "shortcut_conv": "shortcut.expand", "preact_bn": "pre_norm",
            "expand_conv": "conv1_1x1", "expand_bn": "norm1",
            "MB_dw_conv": "conv2_kxk", "MB_dw_bn": "norm2",
            "se/1_conv": "se.fc1", "se/2_conv": "se.fc2", "MB_pw_conv": "conv3_1x1",
        },
    ),
    *(
        rule
        for kind in ("block", "grid")
        for rule in _below(
            f"stack_{{n}}_block_{{m}}/{kind}_",
            f"stages.{{n}}.blocks.{{m}}.attn_{kind}.",
            {
                "attn_preact_ln": "norm1",
                "window_mhsa/qkv_conv": "attn.qkv", "window_mhsa/output": "attn.proj",
                "window_mhsa/pos_emb": "attn.rel_pos.relative_position_bias_table",
                "ffn_preact_ln": "norm2", "ffn/1_dense": "mlp.fc1", "ffn/2_dense": "mlp.fc2",
            },
        )
    ),
    ("post_ln", "head.norm"),
    ("features", "head.pre_logits.fc"),
    ("predictions", "head.fc"),
)  # fmt: skip

# --- vit_keras.vit.vit_b16 ------------------------------------------------------------------------

_VIT = (
    ("embedding", "patch_embed.proj"),
    ("class_token", "cls_token"),
    ("Transformer/posembed_input", "pos_embed"),
    *_below(
        "Transformer/encoderblock_{i}/",
        "blocks.{i}.",
        {
            "LayerNorm_0": "norm1", "LayerNorm_2": "norm2",
            "MultiHeadDotProductAttention_1/(query|key|value)": "attn.qkv",
            "MultiHeadDotProductAttention_1/out": "attn.proj",
            "(.+/)?Dense_0": "mlp.fc1", "(.+/)?Dense_1": "mlp.fc2",
        },
    ),
    ("Transformer/encoder_norm", "norm"),
    ("head", "head"),
)  # fmt: skip

# --------------------------------------------------------------------------------------------------

LAYOUTS = {
    "vgg16": Layout("keras.applications.VGG16", _VGG16),
    "tf_efficientnet_b0": Layout("efficientnet.keras.EfficientNetB0", _EFFICIENTNET),
    "convnext_tiny": Layout("keras_cv_attention_models ConvNeXtTiny", _CONVNEXT),
    "levit_128": Layout(
        "keras_cv_attention_models LeViT128",
        _LEVIT,
        hint='one head, not two: arguments {"distilled": false}',
    ),
    "maxvit_tiny_tf_224": Layout("keras_cv_attention_models MaxViT_Tiny", _MAXVIT),
    "vit_base_patch16_224": Layout(
        "vit_keras vit_b16", _VIT, stacked=(("attn.qkv", ("query", "key", "value")),)
    ),
}

#: Starts of architectures that look like one of a Keras file, and why none can be read into them.
REFUSED = {
    "efficientnet_b0": (
        "it pads images as PyTorch does and its batch norms divide by sqrt(variance + 1e-5), Keras' "
        "by sqrt(variance + 1e-3); write tf_efficientnet_b0, which does as Keras"
    ),
    "resnetv2_50": (
        "Keras' ResNet50V2 takes the stride in the last block of a stage and has biases in its "
        "blocks; timm's takes it in the first and has none"
    ),
    "resnet50": (
        "the lab's Keras ResNet50 pads strided convolutions and the first pool on the right and at "
        "the bottom ('same'); timm's pads both sides"
    ),
    "levit_conv_128": "write levit_128, the same network with the layers that Keras has",
}
