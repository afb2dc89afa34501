"""Files of weights: read without running code in them, unwrapped, checked, fitted to a network."""

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
from itcortex.weights.state import State, fitted

SUFFIXES = (".pth", ".pt", ".ckpt", ".bin", ".safetensors")
# Errors of torch's reader for crafted or damaged files; all are raised before any code in them is run.
_DAMAGE = (
    UnpicklingError, SafetensorError, zipfile.BadZipFile, RuntimeError, EOFError, OSError, ValueError,
    LookupError, AttributeError, TypeError, AssertionError, MemoryError,
)  # fmt: skip
_WRAPPINGS = ("model", "state_dict")  # keys under which checkpoints keep their state dict
# The library `robustness` keeps a network, a copy of it for the attacker, and the mean and std by which
# both normalise images.
_ROBUST = "module.model."
_COPY = "module.attacker."
_NORMALISER = "module.normalizer."


def read_fitted(path: str | Path, network: Network, sha256: str = "") -> tuple[State, str]:
    """State dict of `network` from a file, under the network's own names, and the file's SHA-256.

    Tensors are matched by name or, if names differ, by order. Raises `UserError` for a digest other
    than `sha256` (if one is given), for a file that is not a weights file or holds more than tensors,
    for tensors that do not fit, and if a checkpoint holds a mean and std of images that are not those
    of the network's preprocessing.
    """
    path = Path(path)
    found = checked_sha256(path, sha256)
    if path.suffix in keras.SUFFIXES:
        return keras.read_state(path, network.architecture, network.skeleton()), found
    state, normaliser = unwrapped(read_content(path), str(path))
    outline = network.skeleton()
    if normaliser:
        _check_normaliser(normaliser, network.preprocessing_of(outline), path)
    ordered = path.suffix != ".safetensors"  # those are sorted by name when they are written
    return fitted(state, outline.state_dict(), str(path), ordered), found


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


def unwrapped(content: dict, origin: str) -> tuple[State, State]:
    """The state dict inside a checkpoint, and the normaliser of images in it (in most there is none).

    Checkpoints of the library `robustness` (for example the L2-robust ResNet-50s of
    madrylab/robust-imagenet-models on the hub; Salman et al. 2020, Engstrom et al. 2019) hold a
    network as `module.model.*`, a copy of it for the attacker, and the normaliser of images,
    `module.normalizer.new_mean` and `new_std`. Raises `UserError` if there is no state dict of tensors.
    """
    for name in _WRAPPINGS:
        if isinstance(content, dict) and isinstance(content.get(name), dict):
            content = content[name]
            break
    if not isinstance(content, dict) or not all(torch.is_tensor(v) for v in content.values()):
        raise UserError(
            f"{origin}: holds more than a plain state dict of tensors; save the state dict alone: "
            "torch.save(model.state_dict(), path)"
        )
    if any(name.startswith(_ROBUST) for name in content):
        content = {name: v for name, v in content.items() if not name.startswith(_COPY)}
        return _below(content, _ROBUST), _below(content, _NORMALISER)
    if content and all(name.startswith("module.") for name in content):  # of DataParallel
        content = _below(content, "module.")
    return content, {}


def _below(state: State, prefix: str) -> State:
    return {k.removeprefix(prefix): v for k, v in state.items() if k.startswith(prefix)}


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
