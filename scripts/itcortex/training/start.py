"""Weights that a training starts from, also where they tell other classes apart."""

from torch import nn

from itcortex.weights.state import State


def new_classifier(start: State, model: nn.Module) -> State:
    """The classifier's tensors of `model`, as they were drawn, whose shape is another in `start`.

    The classifier is what timm's configuration of the network calls so; a network without one has
    none. Everything else of `start` must fit, as loading it will tell.
    """
    named = (getattr(model, "pretrained_cfg", None) or {}).get("classifier") or ()
    modules = (named,) if isinstance(named, str) else tuple(named)
    return {
        name: value
        for name, value in model.state_dict().items()
        if name.rpartition(".")[0] in modules and name in start and start[name].shape != value.shape
    }
