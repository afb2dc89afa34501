"""Which parameters of a network are drawn towards zero."""

import torch
from torch import nn

#: In the names that the reference leaves out: norm and bn layers, embeddings, class tokens.
_NORMS, _EMBEDDING, _TOKEN = ("norm", "bn"), "embed", "token"


def decayed_parameters(model: nn.Module) -> dict[str, nn.Parameter]:
    """Trainable parameters with weight decay, by name: all but norms, embeddings and tokens.

    Biases of convolutions and linear maps are decayed, as in the reference, which goes by names
    (serre-lab/Harmonization, loss.py: 'bn/', 'norm', 'normalization', 'embed', 'class_token'). Here
    a norm is told by its class too, as timm gives some no such name. 'embed' takes a transformer's
    projection of patches (`patch_embed`) along with its positions, also as in the reference. A
    parameter used in two places counts once.
    """
    modules = dict(model.named_modules())
    decayed = {}
    for name, parameter in model.named_parameters():
        owner, _, own = name.rpartition(".")
        kind = type(modules[owner]).__name__.lower()
        norm = owner.rpartition(".")[2].lower()
        excluded = (
            any(word in text for word in _NORMS for text in (kind, norm))
            or "norm" in own.lower()
            or _EMBEDDING in name.lower()
            or _TOKEN in own.lower()
        )
        if parameter.requires_grad and not excluded:
            decayed[name] = parameter
    return decayed


def half_squares(parameters: dict[str, nn.Parameter]) -> torch.Tensor:
    """Half the sum of squares of all values: TensorFlow's `l2_loss`, summed over parameters."""
    squares = [p.square().sum() for p in parameters.values()]
    return torch.stack(squares).sum() / 2 if squares else torch.zeros(())
