"""The family of a network, from its name alone, by one rule for the names of all tables.

Members of a family share a design and are no independent observations: intervals draw whole
families. Tables name networks in their own ways (`resnet-101_v2`, `ResNet-101 v2`,
`tf_efficientnet_b0.ns_jft_in1k`), and few of them give a family.

The rule:

1. Lower case. Words at the start that say who ported a network, or how it was trained or modified,
   are dropped (`MODIFIERS`): `tf_efficientnet_b0` and `AdvProp_efficientnet-b0` are `efficientnet`.
2. The family is the first run of letters: `resnet-101_v2` and `resnet50d` are `resnet`,
   `vit_base_patch16_224.mae` is `vit`.
3. A `v` before a digit is a version of a design: `convnextv2_tiny` is `convnext`.
4. Variants of one design are one family (`SAME`): `deit` is `vit`, `seresnet` is `resnet`.

The rule is coarse on purpose: intervals are too narrow with families that are too fine, and only
wide with families that are too coarse.
"""

import re

MODIFIERS = (
    "tf", "gluon", "legacy", "jx", "test", "ssl", "swsl", "ig", "fixres", "advprop", "at", "nf", "eca",
    "wide", "x",
)  # fmt: skip
SAME = {
    "convnextflex": "convnext",
    "coatnext": "coatnet",
    "deit": "vit",
    "deitflex": "vit",
    "effnetb": "efficientnet",
    "mnasnet": "nasnet",
    "pnasnet": "nasnet",
    "semnasnet": "nasnet",
    "spnasnet": "nasnet",
    "regnetx": "regnet",
    "regnety": "regnet",
    "repghostnet": "ghostnet",
    "res": "res2net",
    "artresnet": "resnet",
    "cspresnet": "resnet",
    "ecaresnet": "resnet",
    "resnetflexfilters": "resnet",
    "resnetrs": "resnet",
    "seresnet": "resnet",
    "skresnet": "resnet",
    "voneresnet": "resnet",
    "seresnext": "resnext",
    "skresnext": "resnext",
    "tiny": "tinyvit",
    "vggface": "vgg",
    "vitb": "vit",
}
_MODIFIED = re.compile(rf"^[^a-z]*(?:(?:{'|'.join(MODIFIERS)})[-_ ]+)*")


def family_of(name: str) -> str:
    """Family of a network by its name, lower case; a name without a letter is its own family."""
    rest = _MODIFIED.sub("", name.lower())
    letters = re.match(r"[a-z]*", rest)[0]
    if letters.endswith("v") and rest[len(letters) : len(letters) + 1].isdigit():
        letters = letters[:-1]
    return SAME.get(letters, letters) or name.lower()
