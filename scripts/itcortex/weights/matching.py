"""Which tensor of a file belongs to which of the network: by name, or by order where that is safe.

By name means: after one prefix that all names of the file share (`module.`, `backbone.`) was taken away,
or one that all names of the network share. Order is the last resort. It says where a tensor belongs only
if the file lists its tensors as the network does, which many blocks of one shape would never tell: so
the numbers in the names must agree as well, and must tell modules of equal shapes apart. Words, such as
`query` and `key`, do not say which module of other names is meant. A user who knows that the order is
the network's can say so (`BY_ORDER`): then shapes must agree, and a name that both have must not move.
"""

import re
from collections.abc import Iterable
from dataclasses import dataclass, field

import torch
from torch import nn

from itcortex.errors import UserError
from itcortex.weights.state import State, in_order

#: Of batch norms in PyTorch; evaluation does not read it.
COUNTER = "num_batches_tracked"
#: What a user says whose file lists its tensors as the network does, whatever their names.
BY_ORDER = "order"
#: Of torch's averaged models, beside the network: how many states were averaged.
_AVERAGED = "n_averaged"
_NUMBER = re.compile(r"\d+")


@dataclass(frozen=True)
class Wanted:
    """The tensors of a network: `state` {name: tensor, with values or without}, in its order.

    `derived` are names of buffers that the network computes when it is built and does not keep in its
    state dict, such as Swin's indices of relative positions; a file may hold them or not. `tied` are
    pairs of names that are one parameter.
    """

    state: State
    derived: frozenset[str] = frozenset()
    tied: tuple[tuple[str, str], ...] = ()

    @classmethod
    def of(cls, model: nn.Module) -> "Wanted":
        """The tensors of a network."""
        state = model.state_dict()
        buffers = {
            f"{place}.{name}" if place else name
            for place, module in model.named_modules()
            for name in module._buffers  # those that are None are derived as well
        }
        first: dict[int, str] = {}
        named = model.named_parameters(remove_duplicate=False)
        pairs = ((first.setdefault(id(parameter), name), name) for name, parameter in named)
        tied = tuple(pair for pair in pairs if pair[0] != pair[1])
        return cls(state, frozenset(buffers - set(state)), tied)

    def optional(self, name: str) -> bool:
        """Whether a file may lack a tensor: counters of batch norms, and indices."""
        return not _is_float(self.state[name])


@dataclass(frozen=True)
class Matched:
    """Tensors of a file under the network's names; `lacking` were not in it; `how` they were matched.

    `derived` are those of the file that the network computes itself.
    """

    state: State
    how: str
    lacking: tuple[str, ...]
    by_order: bool = False
    derived: State = field(default_factory=dict)


def match(
    state: State, wanted: Wanted, origin: str, ordered: bool = True, match_by: str = ""
) -> Matched:
    """The tensors of a file under the names of a network, by name, or by order (see the module).

    A file that does not keep its tensors in order (`ordered` is False) goes by name alone. With
    `match_by` `BY_ORDER` tensors whose names are not the network's go by order, if their shapes agree.
    Raises `UserError`, naming `origin`, for quantised tensors, other shapes, names that lack
    or are left over, and an order that the names contradict.
    """
    state = {name: value for name, value in state.items() if name != _AVERAGED}
    _require_floats(state, origin)
    prefix = _by_name(state, wanted)
    if prefix is not None:
        taken, given = prefix
        renamed = {given + name[len(taken) :]: value for name, value in state.items()}
        return _untorn(_named(renamed, wanted, origin, taken, given), wanted, origin)
    foreign, lacking = _difference(state, wanted)
    if (
        not match_by and len(foreign) < len(state) / 2
    ):  # most names are right: the others are wrong, not renamed
        raise UserError(
            f"{origin}: does not fit the architecture: it lacks {lacking[:3]} ({len(lacking)} tensors), "
            f"and has {foreign[:3]} ({len(foreign)}), which the architecture has not; check the model's "
            "row"
        )
    if not ordered:
        raise UserError(
            f"{origin}: the names of its tensors are not those of the architecture, and a file of this "
            f"kind does not keep their order; it has {foreign[:3]}, and lacks {lacking[:3]}"
        )
    return _untorn(_by_order(state, wanted, origin, match_by), wanted, origin)


def _untorn(matched: Matched, wanted: Wanted, origin: str) -> Matched:
    """Refuse two tensors that are one parameter of the network, and differ: the last would be taken."""
    for one, other in wanted.tied:
        if not torch.equal(matched.state[one], matched.state[other]):
            raise UserError(
                f"{origin}: {one} and {other} are one parameter of the architecture, and differ in the "
                "file; use a file of this architecture"
            )
    return matched


# --- by name --------------------------------------------------------------------------------------


def _by_name(state: State, wanted: Wanted) -> tuple[str, str] | None:
    """The prefix to take from the file's names and the one to put before them; None if none fits."""
    target = set(wanted.state)
    needed = {name for name in target if not wanted.optional(name)}
    for taken, given in _prefixes(state, target):
        names = {given + name[len(taken) :] for name in state}
        left = {n for n in names - target if not n.endswith(COUNTER) and n not in wanted.derived}
        if needed <= names and not left:
            return taken, given
    return None


def _prefixes(state: State, target: Iterable[str]) -> list[tuple[str, str]]:
    """Pairs of a prefix of all names of the file and one of all the network's, the shortest first."""
    pairs = [(a, b) for a in _shared(state) for b in _shared(target)]
    return sorted(pairs, key=lambda pair: len(pair[0]) + len(pair[1]))


def _shared(names: Iterable[str]) -> list[str]:
    """Prefixes that all names share, whole parts of them: '', 'module.', 'module.net.'."""
    parts = [name.split(".")[:-1] for name in names]
    shared = [""]
    for level in zip(*parts, strict=False):
        if len(set(level)) > 1:
            break
        shared.append(f"{shared[-1]}{level[0]}.")
    return shared


def _named(renamed: State, wanted: Wanted, origin: str, taken: str, given: str) -> Matched:
    present = {name: renamed[name] for name in wanted.state if name in renamed}
    like = {name: wanted.state[name] for name in present}
    lacking = tuple(name for name in wanted.state if name not in renamed)
    how = "by name"
    if taken:
        how += f", without the prefix {taken!r} of the file"
    if given:
        how += f", with the prefix {given!r} of the network"
    derived = {name: value for name, value in renamed.items() if name in wanted.derived}
    found = _checked(in_order(present, like, origin), like, origin)
    return Matched(found, how, lacking, derived=derived)


# --- by order -------------------------------------------------------------------------------------


def _by_order(state: State, wanted: Wanted, origin: str, match_by: str) -> Matched:
    """In order, without counters and indices; if the user does not vouch for it, names must allow it."""
    own = {name: value for name, value in state.items() if _is_float(value)}
    like = {name: value for name, value in wanted.state.items() if _is_float(value)}
    found = in_order(own, like, origin)
    how = "by order, as the row's match_by says, whatever their names"
    names, target = list(own), list(like)
    if match_by == BY_ORDER:
        _require_none(_moved(list(zip(names, target, strict=True))), target, origin)
    else:
        _require_agreement(names, target, origin)
        for tensors in (own, like):
            _require_told_apart(tensors, list(like), origin)
        how = "by order, because their names are not the architecture's"
    lacking = tuple(name for name in wanted.state if name not in like)
    return Matched(_checked(found, like, origin), how, lacking, by_order=True)


def _require_agreement(names: list[str], wanted: list[str], origin: str) -> None:
    """Raise `UserError` if names of two lists, paired in order, contradict their pairing."""
    pairs = list(zip(names, wanted, strict=True))
    contradiction = (
        _moved(pairs)
        or _torn(pairs)
        or _falling(names)
        or _falling(wanted)
        or _disagreeing([(_place(name), _place(like)) for name, like in pairs], pairs)
    )
    _require_none(contradiction, wanted, origin)


def _require_none(contradiction: str, wanted: list[str], origin: str) -> None:
    if contradiction:
        raise UserError(
            f"{origin}: the names of its tensors are not those of the architecture, and do not agree "
            f"with its order: {contradiction}. {_remedy(wanted)}"
        )


def _require_told_apart(tensors: State, wanted: list[str], origin: str) -> None:
    """Raise `UserError` for two modules of equal shapes whose names have the same numbers, or none."""
    modules: dict[str, list] = {}
    for name, value in tensors.items():
        module, _, role = name.rpartition(".")
        modules.setdefault(module, []).append((role, tuple(value.shape)))
    known: dict[tuple, str] = {}
    for module, content in modules.items():
        other = known.setdefault((_numbers(module), *content), module)
        if other != module:
            raise UserError(
                f"{origin}: the names of its tensors are not those of the architecture, and of {other} "
                f"and {module}, which have equal shapes, no number says which is which. "
                f"{_remedy(wanted)}"
            )


def _remedy(wanted: list[str]) -> str:
    return (
        f"Save the file again with the architecture's names ({', '.join(wanted[:3])}, ...); or, if you "
        f"know that its order is the architecture's, write match_by: {BY_ORDER} into the model's row"
    )


def _moved(pairs: list[tuple[str, str]]) -> str:
    """A name that both lists have, in another place."""
    known = {like for _, like in pairs}
    moved = (f"{name} would become {like}" for name, like in pairs if name in known - {like})
    return next(moved, "")


def _torn(pairs: list[tuple[str, str]]) -> str:
    """A module whose tensors would be parted."""
    modules: dict[str, str] = {}
    for name, like in pairs:
        module = like.rpartition(".")[0]
        if modules.setdefault(name.rpartition(".")[0], module) != module:
            return f"{name} would become {like}, and the rest of its module would not lie there"
    return ""


def _falling(names: list[str]) -> str:
    """Two names that differ in their numbers alone, and stand in falling order."""
    last: dict[str, tuple[tuple[int, ...], str]] = {}
    for name in names:
        numbers, shape = _numbers(name), _NUMBER.sub("#", name)
        former, before = last.get(shape, ((), ""))
        if before and numbers < former:
            return f"{name} comes after {before}"
        last[shape] = numbers, name
    return ""


def _disagreeing(places: list, pairs: list[tuple[str, str]]) -> str:
    """A numbered block of the file that would be torn apart, or put together with another one.

    A file that numbers its modules one by one has no blocks: then their order is all there is.
    """
    modules: dict[tuple, set[str]] = {}
    for name, _ in pairs:
        modules.setdefault(_place(name), set()).add(name.rpartition(".")[0])
    if all(len(own) == 1 for own in modules.values()) or not any(a and b for a, b in places):
        return ""
    block, back = {}, {}
    for (own, other), (name, like) in zip(places, pairs, strict=True):
        if block.setdefault(own, other) != other or back.setdefault(other, own) != own:
            return f"{name} would become {like}"
    return ""


def _place(name: str) -> tuple[int, ...]:
    """The numbers of the blocks that a tensor lies in: of all parts of its module's name but the last.

    The last part counts if it is nothing but a number, as in a Sequential.
    """
    *blocks, last = name.split(".")[:-1] or [""]
    return _numbers(".".join([*blocks, last if last.isdigit() else ""]))


def _numbers(text: str) -> tuple[int, ...]:
    return tuple(int(number) for number in _NUMBER.findall(text))


# --- types ----------------------------------------------------------------------------------------


def _require_floats(state: State, origin: str) -> None:
    """Refuse quantised weights, whose integers mean nothing without scales that are kept elsewhere."""
    for name, value in state.items():
        weight = name.endswith((".weight", ".bias"))
        if value.is_quantized or (weight and not _is_float(value)):
            raise UserError(
                f"{origin}: {name} is {value.dtype}: the weights are quantised, and mean nothing "
                "without their scales; use the file of the network before quantisation"
            )


def _checked(state: State, like: State, origin: str) -> State:
    """Refuse a tensor whose kind of number is not the network's."""
    for name, value in state.items():
        if name.endswith(COUNTER):
            continue
        if value.is_floating_point() != like[name].is_floating_point() or value.is_complex():
            raise UserError(
                f"{origin}: {name} holds {value.dtype}, the architecture needs {like[name].dtype}; use "
                "a file of this architecture that was not quantised"
            )
    return state


def _is_float(value: torch.Tensor) -> bool:
    return value.is_floating_point() or value.is_complex()


def _difference(state: State, wanted: Wanted) -> tuple[list[str], list[str]]:
    return sorted(set(state) - set(wanted.state)), sorted(set(wanted.state) - set(state))
