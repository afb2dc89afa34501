"""Files of weights: read without running code in them, unwrapped, checked, fitted to a network."""

import logging
import zipfile
from pathlib import Path
from pickle import UnpicklingError

import torch
from safetensors import SafetensorError
from safetensors.torch import load_file

from itcortex.errors import UserError
from itcortex.files import sha256_of
from itcortex.formats.plausible import require_plausible
from itcortex.networks.network import Network
from itcortex.weights import keras
from itcortex.weights.checkpoints import choose_state
from itcortex.weights.matching import COUNTER, Matched, Wanted, match
from itcortex.weights.state import State

_log = logging.getLogger(__name__)

SUFFIXES = (".pth", ".pt", ".ckpt", ".bin", ".safetensors")
# Errors of torch's reader for crafted or damaged files; all are raised before any code in them is run.
_DAMAGE = (
    UnpicklingError, SafetensorError, zipfile.BadZipFile, RuntimeError, EOFError, OSError, ValueError,
    LookupError, AttributeError, TypeError, AssertionError, MemoryError,
)  # fmt: skip


def read_fitted(
    path: str | Path,
    network: Network,
    sha256: str = "",
    state_dict: str = "",
    match_by: str = "",
) -> tuple[State, dict]:
    """State dict of `network` from a file, under the network's own names, and facts for its origin.

    The facts are the file's `sha256`; `state_dict`, the one that was taken, and `other_state_dicts`, if
    the file holds several or the row names one (`state_dict`, see `checkpoints.choose_state`); and
    `matched`, if tensors could not be matched by their names (see `matching`, of which `match_by` is an
    option).

    Raises `UserError` for a digest other than `sha256` (if one is given), for a file that is no weights
    file or holds more than tensors, for tensors that do not fit, and if a checkpoint holds a mean and
    std of images that are not those of the network's preprocessing.
    """
    path = Path(path).expanduser()
    facts = {"sha256": checked_sha256(path, sha256)}
    if path.suffix in keras.SUFFIXES:
        if state_dict:
            raise UserError(
                f"state_dict: {state_dict!r}: a Keras file holds one network; leave it empty"
            )
        if match_by:
            raise UserError(f"match_by: {match_by!r}: a Keras file goes by name; leave it empty")
        return keras.read_state(path, network.architecture, network.skeleton()), facts
    chosen = choose_state(read_content(path), str(path), state_dict)
    if chosen.others or state_dict:
        facts |= {"state_dict": chosen.key, "other_state_dicts": list(chosen.others)}
    if chosen.others:
        _log.info(
            f"{path}: holds several state dicts; {chosen.key!r} is taken "
            f"({'the row names it' if state_dict else 'as timm does'}), and not "
            f"{', '.join(map(repr, chosen.others))}: the column state_dict of the row chooses"
        )
    outline = network.skeleton()
    if chosen.normaliser:
        _check_normaliser(chosen.normaliser, network.preprocessing_of(outline), path)
    wanted = Wanted.of(outline)
    ordered = path.suffix != ".safetensors"  # those are sorted by name when they are written
    matched = match(chosen.state, wanted, str(path), ordered, match_by)
    if matched.by_order:
        facts["matched"] = matched.how
    beside = _beside(matched.derived, network, str(path))
    _log.info(f"{path}: {len(matched.state)} tensors matched {matched.how}{beside}")
    return _completed(matched, wanted, network, str(path)), facts


def _completed(matched: Matched, wanted: Wanted, network: Network, origin: str) -> State:
    """The network's state dict: what the file lacks are counters (0) and indices that it computes.

    Raises `UserError` for an index that is not the same whenever the network is built.
    """
    state = dict(matched.state)
    computed = [name for name in matched.lacking if not name.endswith(COUNTER)]
    if computed:
        first, second = (network.build(seed).state_dict() for seed in (0, 1))
        for name in computed:
            if not torch.equal(first[name], second[name]):
                raise UserError(
                    f"{origin}: lacks {name}, which is another one whenever the network is built; use a "
                    "file that holds it"
                )
            state[name] = first[name]
    counters = {name: torch.zeros((), dtype=torch.long) for name in matched.lacking}
    return {name: (counters | state)[name] for name in wanted.state}


def _beside(derived: State, network: Network, origin: str) -> str:
    """What became of a file's buffers that the network computes itself.

    Raises `UserError` for one that it computes otherwise. Those of timm's networks that depend on the
    image's size may have another shape.
    """
    computed = dict(network.build(seed=0).named_buffers(remove_duplicate=False)) if derived else {}
    said = dict.fromkeys(derived, "which it leaves empty, is not used")
    for name in derived.keys() & computed:
        value, own = derived[name], computed[name]
        said[name] = "which it computes, is as in the file"
        if value.shape != own.shape and not network.builder:
            said[name] = "which it computes for its own size of images, is not used"
        elif not _same(value, own):
            raise UserError(
                f"{origin}: holds {name} {tuple(value.shape)}, a buffer that the network does not keep "
                f"in its state dict and computes otherwise {tuple(own.shape)}: the file's values would "
                "be lost; register it with persistent=True in the builder, or delete it from the file"
            )
    kinds = {how: [name for name in said if said[name] == how] for how in said.values()}
    return "".join(f"; {_some(names)}, {how}" for how, names in kinds.items())


def _same(value: torch.Tensor, own: torch.Tensor) -> bool:
    """Whether two tensors are equal, to the steps of the first one's type."""
    step = torch.finfo(value.dtype).eps if value.is_floating_point() else 0
    alike = value.shape == own.shape
    return alike and torch.allclose(value.double(), own.double(), 4 * step, step)


def _some(names: list[str]) -> str:
    return names[0] + (f" and {len(names) - 1} others" if len(names) > 1 else "")


def checked_sha256(path: Path, expected: str) -> str:
    """SHA-256 of a file; raises `UserError` if it is not the `expected` one, if one is given."""
    if not path.is_file():
        raise UserError(f"source: no file {path}; a path is relative to the working directory")
    found = sha256_of(path)
    if expected and found != expected.lower():
        raise UserError(
            f"{path}: expected sha256 {expected}, found {found}; if the file was replaced on "
            "purpose, write the new digest into the model's row, else fetch the file again"
        )
    return found


def read_content(path: Path) -> dict:
    """Content of a weights file. Only tensors and plain values are read, so that no code can run.

    A pickle that holds anything else is refused, with the names of its objects.
    """
    try:
        if path.suffix == ".safetensors":
            return load_file(path)
        _require_plausible(path)
        return torch.load(path, map_location="cpu", weights_only=True)
    except UserError:
        raise
    except _DAMAGE as error:
        names = _foreign_names(path)
        if not names:
            raise UserError(
                f"{path}: not a readable file of weights ({error}); fetch it again"
            ) from error
        raise UserError(
            f"{path}: refused, because it holds more than tensors ({', '.join(names)}), and reading "
            "such objects can run code. If you trust it, write its tensors to a file of their own: "
            "torch.save(torch.load(old, weights_only=False)['state_dict'], new)"
        ) from error


def _require_plausible(path: Path) -> None:
    """Refuse a checkpoint (a zip archive) that would expand to far more than its own size."""
    if zipfile.is_zipfile(path):
        with zipfile.ZipFile(path) as archive:
            for member in archive.infolist():
                where = f"{path}: {member.filename}"
                require_plausible(member.compress_size, member.file_size, where)


def _check_normaliser(normaliser: State, preprocessing, path: Path) -> None:
    """Refuse a checkpoint whose mean and std of images are not those of the model's row."""
    for name in ("mean", "std"):
        stored = [round(value, 4) for value in normaliser[f"new_{name}"].flatten().tolist()]
        given = list(getattr(preprocessing, name))
        if max(abs(a - b) for a, b in zip(stored, given, strict=True)) > 1e-3:
            raise UserError(
                f"{path}: its network was trained with {name} {stored}, the model's row gives "
                f"{given}; write {stored} into the column preprocessing"
            )


def _foreign_names(path: Path) -> list[str]:
    """Names that a pickle would import, apart from tensors; [] for files that are no pickles."""
    try:
        return torch.serialization.get_unsafe_globals_in_checkpoint(path)
    except _DAMAGE:
        return []
