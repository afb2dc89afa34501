"""Entries of a user's own recordings: where they are written, and what is filled in.

An entry has `responses`, a file, instead of a dataset and a file of it. It stands in the registry, or
with its `name` in the list of recordings of an experiment. Published files that nobody may pass on are
entries of the registry too: their paths begin with a place, `{things}`, which the settings name.
"""

import hashlib
import re
from pathlib import Path

from itcortex.errors import UserError, nearest

#: Begins the names of datasets that own recordings and pictures make up.
OWN = "own."
#: A place of the settings at the start of a path.
_PLACE = re.compile(r"\{([A-Za-z0-9_.-]+)\}")
_UNKNOWN = {"area": "unknown area", "unit": "a.u.", "simulated": False, "protocol": "own"}


def is_own(entry: dict) -> bool:
    """Whether an entry of recordings or stimuli names a user's own file or folder."""
    return "responses" in entry or "path" in entry


def local_files(entry: dict) -> list[str]:
    """Own files and folders that an entry reads, its main one first."""
    keys = ("responses", "path", "image_table", "site_table")
    found = [entry[key] for key in keys if key in entry]
    found += [entry["list"]["path"]] if "path" in entry.get("list", {}) else []
    table = entry.get("kinds", {}).get("table")
    return [*found, *([table] if found and table else [])]


def named_entries(recordings: list) -> tuple[list[str], dict[str, dict]]:
    """Names of an experiment's recordings, and the entries among them by name.

    Raises `UserError` for two recordings of one name.
    """
    names = [one if isinstance(one, str) else one["name"] for one in recordings]
    twice = sorted({name for name in names if names.count(name) > 1})
    if twice:
        raise UserError(
            f"config: recordings: {twice[0]!r} is named twice; give each a name of its own"
        )
    entries = {one["name"]: one for one in recordings if not isinstance(one, str)}
    return names, {n: {k: v for k, v in e.items() if k != "name"} for n, e in entries.items()}


def register(
    registry: dict, entries: dict[str, dict], places: dict[str, str | None] | None = None
) -> dict:
    """The registry with own recordings of an experiment, and with all that own entries leave out.

    A path that begins with `{name}` begins with that place of `places`; where this is not known it stays
    as it is, and `require_files` says so.

    Their pictures become stimuli, unless they are called as stimuli of the registry, and what is known
    of their origin a dataset. Raises `UserError` for a name that the registry has, and for pictures that
    are neither.
    """
    known = [name for name in entries if name in registry["recordings"]]
    if known:
        raise UserError(
            f"config: recordings: the registry has a recording {known[0]!r} already; choose "
            "another name"
        )
    recordings, stimuli = (
        {name: _placed(entry, places or {}) for name, entry in some.items()}
        for some in (registry["recordings"] | entries, registry["stimuli"])
    )
    datasets = dict(registry["datasets"])
    for name, entry in stimuli.items():
        if is_own(entry):
            stimuli[name] = {"dataset": OWN + name} | _normal(entry)
            datasets.setdefault(stimuli[name]["dataset"], _dataset(entry, "pictures"))
    for name, entry in recordings.items():
        if is_own(entry):
            shown, place = _stimuli(entry["stimuli"], stimuli, name)
            if place is not None:
                stimuli[shown] = place
                datasets[place["dataset"]] = _dataset({}, "pictures")
            attributes = (
                _UNKNOWN | {"monkey": name} | _selected(entry) | entry.get("attributes", {})
            )
            filled = {"stimuli": shown, "attributes": attributes}
            recordings[name] = {"dataset": OWN + name} | _normal(entry) | filled
            datasets.setdefault(recordings[name]["dataset"], _dataset(entry, "responses"))
    return registry | {"recordings": recordings, "stimuli": stimuli, "datasets": datasets}


def require_files(entry: dict, where: str) -> None:
    """Raise `UserError` if a file or folder of an own entry is not there, or its place is not named."""
    for path in local_files(entry):
        if place := _PLACE.match(path):
            name = place.group(1)
            raise UserError(
                f"{where}: {path}: nobody may pass on these files, so that you bring them: get them "
                "(the registry says where), and name their place in the settings, "
                f"`places: {{{name}: ...}}`"
            )
        if not Path(path).exists():
            raise UserError(f"{where}: there is no {path}; paths are relative to {Path.cwd()}")
    if "responses" in entry and Path(entry["responses"]).is_dir():
        raise UserError(f"{where}: responses: {entry['responses']} is a folder; name a file in it")


def _stimuli(named: str, stimuli: dict, recording: str) -> tuple[str, dict | None]:
    """Name of the stimuli of a recording, and their entry if they are a folder or a zip."""
    if named in stimuli:
        return named, None
    path = _path(named)
    if not Path(path).exists():
        raise UserError(
            f"recordings: {recording}: stimuli: {named!r} is no folder or zip in {Path.cwd()}, "
            f"and no stimuli of the registry; {nearest(named, [*stimuli])}"
        )
    plain = re.sub(r"[^A-Za-z0-9_]+", "_", Path(path).stem).strip("_") or "pictures"
    name = f"{plain}-{hashlib.sha256(path.encode()).hexdigest()[:6]}"
    return name, {"path": path, "dataset": OWN + name}


def _normal(entry: dict) -> dict:
    """An entry whose paths are written in one way."""
    keys = ("responses", "path", "image_table", "site_table")
    return entry | {key: _path(entry[key]) for key in keys if key in entry}


def _placed(entry: dict, places: dict[str, str | None]) -> dict:
    """An entry whose paths begin with the places that are known."""

    def placed(text: str) -> str:
        return _PLACE.sub(lambda match: places.get(match[1]) or match[0], text, count=1)

    keys = ("responses", "path", "image_table", "site_table")
    found = entry | {key: placed(entry[key]) for key in keys if key in entry}
    if "path" in entry.get("list", {}):
        found["list"] = entry["list"] | {"path": _path(placed(entry["list"]["path"]))}
    return found


def _path(text: str) -> str:
    return Path(text).expanduser().as_posix()


def _selected(entry: dict) -> dict:
    """Area and animal, where sites are selected by one of them."""
    keys = {"area": "region", "monkey": "animal"}
    sites = entry.get("sites", {})
    return {
        key: sites[column] for key, column in keys.items() if isinstance(sites.get(column), str)
    }


def _dataset(entry: dict, holds: str) -> dict:
    return {
        "holds": f"own {holds}", "simulated": False, "licence": "own", "files": {},
        "citation": entry.get("citation", f"own {holds}, not published"),
    }  # fmt: skip
