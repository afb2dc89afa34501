"""Weights that others publish: timm's, and files by name on the Hugging Face hub; the mirror first.

huggingface_hub itself meets a limit, a failing server or a lost connection by waiting and asking again.
What it does not get in the end is `UnavailableError`. `HF_HUB_OFFLINE` is respected: then only the
mirror and the hub's own cache are looked at.
"""

import logging
import re
import tempfile
from collections.abc import Iterator
from pathlib import Path

import huggingface_hub
from huggingface_hub import errors

from itcortex import files
from itcortex.downloads import fetch, responses
from itcortex.errors import UserError
from itcortex.networks.network import Network
from itcortex.networks.torch_compat import timm
from itcortex.weights.availability import UnavailableError
from itcortex.weights.files import checked_sha256, read_fitted
from itcortex.weights.state import State

_log = logging.getLogger(__name__)

_SHA256 = re.compile(r"[0-9a-f]{64}")
_COMMIT = re.compile(r"/snapshots/([0-9a-f]{40})/")
_HASHED_NAME = re.compile(r"-([0-9a-f]{8,})\.[a-z.]+$")
# Errors of the hub or of the way to it, not of this machine or this code.
_OF_HUB = (errors.HTTPError, errors.EntryNotFoundError, ConnectionError, TimeoutError)
_SAFE = {  # safetensors under which a file of pickles is also published, as timm looks for them
    "pytorch_model.bin": "model.safetensors",
    "open_clip_pytorch_model.bin": "open_clip_model.safetensors",
}


def from_timm(tag: str, network: Network, sha256: str = "") -> tuple[State, dict]:
    """timm's pretrained weights `tag` of an architecture, loaded by timm itself, and their origin.

    The file is, in this order, the mirror's `timm/{architecture}.{tag}.safetensors` (the hub's file
    under another name), the hub's safetensors, the hub's pickle, or the address that timm knows.
    timm renames tensors and fits them to the network's `arguments`. Raises `UnavailableError`, and
    `UserError` for a tag that timm does not know or weights that do not fit.
    """
    name = f"{network.architecture.partition('.')[0]}.{tag}"
    if network.builder:
        raise UserError(f"source: 'timm:{tag}' is for timm's own networks; the row has a builder")
    if name not in timm.list_pretrained(f"{name.partition('.')[0]}.*"):
        raise UserError(f"source: timm has no weights {tag!r} of {network.architecture}")
    with tempfile.TemporaryDirectory() as folder:
        found = _mirrored(Path(folder, "timm", f"{name}.safetensors"), sha256)
        path, origin = found or _timm_file(name, Path(folder))
        origin["sha256"] = checked_sha256(path, sha256)
        overlay = {"file": str(path), "custom_load": path.suffix == ".npz"}
        try:
            model = timm.create_model(
                name, pretrained=True, pretrained_cfg_overlay=overlay, **network.arguments
            )
        except (RuntimeError, KeyError) as error:
            reason = " ".join(str(error).split())
            raise UserError(f"{path}: does not fit {name} as timm reads it ({reason})") from error
    return model.state_dict(), origin


def from_hub(
    address: str, network: Network, sha256: str = "", state_dict: str = "", match_by: str = ""
) -> tuple[State, dict]:
    """Weights from a file on the hub, `owner/repo/file` or `owner/repo/file@revision`.

    The mirror's `{repo}/{file}` comes first. The file is read without running code: one that holds
    more than tensors is refused by name. See `checkpoints.choose_state` for files that hold several
    state dicts. Raises `UnavailableError`, and `UserError` for what does not fit.
    """
    place, _, revision = address.partition("@")
    owner, repo, file = place.split("/", 2)
    with tempfile.TemporaryDirectory() as folder:
        found = _mirrored(Path(folder, repo, Path(file).name), sha256)
        path, origin = found or hub_file(f"{owner}/{repo}", file, revision or None)
        state, facts = read_fitted(path, network, sha256, state_dict, match_by)
    return state, origin | facts


def hub_file(repo: str, file: str, revision: str | None = None) -> tuple[Path, dict]:
    """A file of the hub in its local cache, and its origin: name and, if known, the commit.

    The cached file must have the SHA-256 that the hub states. Raises `UnavailableError` for what the
    hub does not give.
    """
    what = f"{repo}/{file}" + (f"@{revision}" if revision else "")
    try:
        path = Path(_download(repo, file, revision))
    except _OF_HUB as error:
        raise UnavailableError(
            f"{what}: the Hugging Face hub did not give it ({_reason(error)}); try again later, or "
            f"put the file into a mirror folder ({fetch.MIRROR}), or correct the model's row"
        ) from error
    stated = path.resolve().name  # large files are cached under their digest
    if _SHA256.fullmatch(stated) and files.sha256_of(path) != stated:
        raise UserError(f"{path.resolve()}: damaged in the hub's cache; delete it and run again")
    commit = _COMMIT.search(path.as_posix())
    return path, {"file": what} | ({"commit": commit[1]} if commit else {})


def _download(repo: str, file: str, revision: str | None) -> str:
    """The one call that goes to the hub; without a network only its cache is looked at, at once."""
    unknown = responses.unknown_host(huggingface_hub.constants.ENDPOINT)
    try:
        return huggingface_hub.hf_hub_download(
            repo, file, revision=revision, local_files_only=unknown is not None
        )
    except errors.LocalEntryNotFoundError:
        if unknown is None:
            raise
        raise ConnectionError(
            f"no network: the name {unknown} cannot be resolved, and the cache has no such file"
        ) from None


# --- where timm's weights are ---------------------------------------------------------------------


def _timm_file(name: str, folder: Path) -> tuple[Path, dict]:
    config = timm.get_pretrained_cfg(name)
    if not config.hf_hub_id:
        return _timm_address(name, config.url, folder)
    repo, _, revision = config.hf_hub_id.partition("@")
    published = config.hf_hub_filename or "pytorch_model.bin"
    safe = _SAFE.get(published, re.sub(r"\.bin$", ".safetensors", published))
    try:
        return hub_file(repo, safe, revision or None)
    except UnavailableError as error:
        if safe == published or not _lacks_file(error.__cause__):
            raise
    return hub_file(repo, published, revision or None)


def _timm_address(name: str, url: str, folder: Path) -> tuple[Path, dict]:
    """A file that timm knows by its address only; its name ends with the start of its digest."""
    if huggingface_hub.is_offline_mode():
        raise UnavailableError(
            f"{name}: HF_HUB_OFFLINE is set, and no mirror has timm/{name}.safetensors"
        )
    path = folder / "timm" / url.rpartition("/")[2]
    try:
        fetch.fetch(url, path)
    except UserError as error:
        raise UnavailableError(f"{name}: {error}") from error
    stated = _HASHED_NAME.search(path.name)
    if stated and not files.sha256_of(path).startswith(stated[1]):
        raise UserError(f"{url}: its SHA-256 does not start with {stated[1]}, as its name says")
    return path, {"file": url}


def _mirrored(target: Path, sha256: str) -> tuple[Path, dict] | None:
    """The mirror's file for `target` (`.../{folder}/{file}`) and its origin; None if it has none.

    A mirror folder's file is used where it lies; that of a mirror at an address is brought to `target`.
    """
    place = fetch.in_mirror(target)
    if place is None or (isinstance(place, Path) and not place.is_file()):
        return None
    origin = {"file": f"mirror: {target.parent.name}/{target.name}"}
    if isinstance(place, Path):
        return place, origin
    try:
        fetch.fetch([], target, sha256 or None, mirror=place)
    except UserError as error:
        _log.warning(f"{error}; the hub is asked instead")
        return None
    return target, origin


def folder_of_mirror(source: str, architecture: str) -> Path | None:
    """The mirror folder's file for a source `timm:` or `hub:`; None if it has none, or is an address."""
    kind, _, rest = source.partition(":")
    if kind == "timm":
        target = Path("timm", f"{architecture.partition('.')[0]}.{rest}.safetensors")
    else:
        place = rest.partition("@")[0]
        target = Path(place.split("/", 2)[1], Path(place).name)
    place = fetch.in_mirror(target)
    return place if isinstance(place, Path) and place.is_file() else None


# --- failures -------------------------------------------------------------------------------------


def _chain(error: BaseException | None) -> Iterator[BaseException]:
    """An error and those it came from: the hub hides what happened behind a missing local file."""
    while error is not None:
        yield error
        error = error.__cause__


def _lacks_file(error: BaseException | None) -> bool:
    """Whether the hub answered that the repository has no such file."""
    missing = isinstance(error, errors.EntryNotFoundError)
    return missing and not isinstance(error, errors.LocalEntryNotFoundError)


def _reason(error: BaseException) -> str:
    """What happened, in one line: the first cause of the error, which the hub's library wraps."""
    *_, last = _chain(error)
    return f"{type(last).__name__}: {' '.join(str(last).split())[:300]}"
