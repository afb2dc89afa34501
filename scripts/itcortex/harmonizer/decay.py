"""Weight decay: which parameters of a network are drawn towards zero."""

import torch
from torch import nn

#: Parts of names that the published code leaves out: norm and bn layers, embeddings, class tokens.
_NORMS, _EMBEDDING, _TOKEN = ("norm", "bn"), "embed", "token"


def decayed_parameters(model: nn.Module) -> dict[str, nn.Parameter]:
    """Trainable parameters with weight decay, by name: all but norms, embeddings and tokens.

    Biases of convolutions and linear layers are decayed, as in the published code, which goes by names
    (serre-lab/Harmonization, loss.py: 'bn/', 'norm', 'normalization', 'embed', 'class_token'). Here a
    norm is also recognised by its class, because timm gives some norms other names. The name 'embed'
    excludes both the position embedding of a transformer and its projection of patches
    (`patch_embed`), as in the published code. A parameter used in two places counts once.
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
