"""Which state dict of a checkpoint is taken: what the row names, else what timm would take.

Checkpoints keep a network's tensors under many keys: `state_dict`, `model`, `net`, `student` and
`teacher`, running averages as `state_dict_ema` or `model_ema`. Nothing here guesses among several state
dicts: it follows timm's loader (timm.models.load_state_dict), which prefers the running average, or asks
for a name.
"""

from dataclasses import dataclass

import torch

from itcortex.errors import UserError, nearest
from itcortex.weights.state import State

#: Keys in the order in which timm's loader looks for them.
TIMM_KEYS = ("state_dict_ema", "model_ema", "state_dict", "model")
_DEPTH = 4  # of dictionaries inside one another
_NO_NETWORK = ("optim", "sched", "scaler")  # in the names of what trainings keep beside a network
# The library `robustness` keeps a network, a copy of it for the attacker, and the mean and std by which
# both normalise images.
_ROBUST = "module.model."
_COPY = "module.attacker."
_NORMALISER = "module.normalizer."
_COMPILED = "_orig_mod"  # what torch.compile puts before the names of what it compiled


@dataclass(frozen=True)
class Chosen:
    """The state dict that was taken from a file.

    `key` says where it lies, with "/" between keys that lie inside one another, and is empty if the file
    itself is the state dict; `others` are the keys of those that were left. `normaliser` holds the mean
    and std of images that were kept with the network; it is empty in most files.
    """

    state: State
    key: str
    others: tuple[str, ...]
    normaliser: State


def choose_state(content: dict, origin: str, named: str = "") -> Chosen:
    """The state dict `named` inside the `content` of a checkpoint, or without a name timm's choice.

    `named` is a key, or several joined by "/" where one lies inside the other, and may end with the
    start of the tensors' names: `state_dict/module.encoder_q`.

    Checkpoints of the library `robustness` (for example the L2-robust ResNet-50s of
    madrylab/robust-imagenet-models on the hub; Salman et al. 2020, Engstrom et al. 2019) hold the
    network as `module.model.*`, a copy of it for the attacker, and the normaliser of images,
    `module.normalizer.new_mean` and `new_std`.

    Raises `UserError` for a file without a state dict of tensors, for several among which timm has no
    order, and for a name that is not there, each with the names that are.
    """
    found = _state_dicts(content)
    if not found:
        held = f" (its keys: {', '.join(map(str, content))[:200]})" if _is_named(content) else ""
        raise UserError(
            f"{origin}: holds more than a plain state dict of tensors{held}; save the state dict alone: "
            "torch.save(model.state_dict(), path)"
        )
    key, state = _named(found, named, origin) if named else _preferred(found, origin)
    others = tuple(other for other in found if other != key)
    state, normaliser = _plain(state)
    return Chosen(state, key, others, normaliser)


def _is_named(content) -> bool:
    return isinstance(content, dict) and all(isinstance(name, str) for name in content)


def _state_dicts(content, place: str = "", depth: int = 0) -> dict[str, State]:
    """Every dictionary of nothing but tensors inside a checkpoint, by its place."""
    if not _is_named(content) or not content or depth > _DEPTH:
        return {}
    if all(torch.is_tensor(value) for value in content.values()):
        return {place: content}
    found = {}
    for name, value in content.items():
        if not any(word in name.lower() for word in _NO_NETWORK):
            found |= _state_dicts(value, f"{place}/{name}" if place else name, depth + 1)
    return found


def _named(found: dict[str, State], named: str, origin: str) -> tuple[str, State]:
    """The state dict that a row names, or the tensors below a start of their names."""
    if named in found:
        return named, found[named]
    place, _, start = named.rpartition("/")
    if place in found:
        below = _below(found[place], f"{start}.")
        if below:
            return named, below
    starts = sorted({name.partition(".")[0] for state in found.values() for name in state})
    raise UserError(
        f"{origin}: holds no state dict {named!r}, the row's state_dict; "
        f"{nearest(named, [key for key in found if key] or starts)} The names of its tensors begin with "
        f"{', '.join(starts[:5])}"
    )


def _preferred(found: dict[str, State], origin: str) -> tuple[str, State]:
    """The only state dict, or timm's choice among several."""
    if len(found) == 1:
        return next(iter(found.items()))
    for key in TIMM_KEYS:
        if key in found:
            return key, found[key]
    listed = ", ".join(f"{key} ({len(state)} tensors)" for key, state in found.items())
    raise UserError(
        f"{origin}: holds several state dicts: {listed}; write the one to take into the column "
        "state_dict of the model's row"
    )


def _plain(state: State) -> tuple[State, State]:
    """A state dict without the parts and names that wrappers of networks add, and its normaliser."""
    state = {
        ".".join(part for part in name.split(".") if part != _COMPILED): value
        for name, value in state.items()
    }
    # every other network may be called `model` in what DataParallel wraps, and have a head beside it
    if any(name.startswith((_COPY, _NORMALISER)) for name in state):
        state = {name: value for name, value in state.items() if not name.startswith(_COPY)}
        return _below(state, _ROBUST), _below(state, _NORMALISER)
    return state, {}


def _below(state: State, prefix: str) -> State:
    return {
        name.removeprefix(prefix): value for name, value in state.items() if name.startswith(prefix)
    }
