"""The registry of data: numbered files are expanded, and what entries refer to is checked."""

import re

from itcortex.data.own import headers
from itcortex.data.own.entries import is_own
from itcortex.errors import UserError, choose

#: Formats of recordings whose responses are one value for each image and site.
FORMATS_WITHOUT_GRID = ("cowley2023", "majajhong2015", "tvsd")
#: Formats of recordings that have one time bin: windows are not read.
FORMATS_WITHOUT_TIME = ("cowley2023", "majajhong2015", "tvsd")
#: Columns of the images that recordings of a format have, beside their kinds.
IMAGE_COLUMNS = {
    "arcaro2020": (),
    "cowley2023": (),
    "majajhong2015": ("object_name", "category_name", "variation"),
    "tvsd": ("split", "object_name"),
}
#: Stands for a number in the name and the address of numbered files.
NUMBER = "{n}"
_PLAIN = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.-]*(/[A-Za-z0-9][A-Za-z0-9_.-]*)*")
_RANGE = re.compile(r"\{(\d+)\.\.(\d+)\}")


def lacks_grid(entry: dict) -> bool:
    """Whether a recording certainly has no grid of positions; False where only its file can say."""
    return (
        headers.lacks_grid(entry) if is_own(entry) else entry.get("format") in FORMATS_WITHOUT_GRID
    )


def numbered_files(name: str, entry: dict) -> dict[str, dict]:
    """Files of one entry: `val-{0..2}.tfrecords` stands for three, and `{n}` in urls for the number."""
    found = _RANGE.search(name)
    if not found:
        return {name: entry}
    files = {}
    for number in numbers(found.groups()):
        urls = {"url": [url.replace(NUMBER, number) for url in urls_of(entry)]}
        files[name.replace(found.group(), number)] = entry | urls
    return files


def urls_of(entry: dict) -> list[str]:
    """Addresses of a file, in the order in which they are tried."""
    urls = entry.get("url", [])
    return [urls] if isinstance(urls, str) else urls


def numbers(limits: tuple[str, str] | list[int]) -> list[str]:
    """All whole numbers from the first to the last of `limits`, as text."""
    first, last = (int(value) for value in limits)
    return [str(number) for number in range(first, last + 1)]


def expand_registry(registry: dict) -> dict:
    """The registry with one entry for every numbered file, also where a set of files is named."""
    datasets = {
        name: dataset
        | {
            "files": {
                k: v
                for key, e in dataset["files"].items()
                for k, v in numbered_files(key, e).items()
            }
        }
        for name, dataset in registry["datasets"].items()
    }
    attention = {
        name: entry
        | {"files": [file for key in entry["files"] for file in numbered_files(key, {})]}
        for name, entry in registry["attention"].items()
    }
    return registry | {"datasets": datasets, "attention": attention}


def require_plain(names, where: str) -> None:
    """Raise `UserError` for a name that would be unsafe in a path or a command line.

    The schemas require the same, but this does not depend on them: executors for clusters write names
    of jobs into command lines, and every name becomes part of a path that is written to.
    """
    for name in names:
        if not _PLAIN.fullmatch(name):
            raise UserError(
                f"{where}: {name!r} cannot be a name here; use letters, digits, '_', '.' and '-', a "
                "letter or digit first"
            )


def check_references(registry: dict, where: str) -> None:
    """Raise `UserError` if an entry of the (expanded) registry refers to something that is not in it."""
    for name, dataset in registry["datasets"].items():
        require_plain([name, *dataset["files"]], f"{where}: datasets: {name}")
    for kind in ("stimuli", "recordings", "rdms", "attention"):
        require_plain(registry[kind], f"{where}: {kind}")
        for name, entry in registry[kind].items():
            place = f"{where}: {kind}: {name}"
            choose(entry["dataset"], registry["datasets"], f"{place}: dataset")
            for dataset, file in files_of(entry):
                choose(dataset, registry["datasets"], f"{place}: dataset")
                choose(file, registry["datasets"][dataset]["files"], f"{place}: file")
            if is_own(entry):
                continue
            if kind == "attention":
                _check_leave_out(entry, place)
            if "held_out" in entry:
                choose(entry["held_out"]["of"], _whole_sets(registry), f"{place}: held_out: of")
            if kind in ("recordings", "rdms"):
                choose(entry["stimuli"], registry["stimuli"], f"{place}: stimuli")
    check_scores(registry, where)


def _check_leave_out(entry: dict, place: str) -> None:
    """Raise `UserError` where photographs cannot be left out: of a part of a set, and of ClickMe."""
    if not entry.get("leave_out"):
        return
    if "held_out" in entry:
        whole = entry["held_out"]["of"]
        raise UserError(
            f"{place}: leave_out: this set is a part of {whole!r}, which has the photographs: write "
            "leave_out into that entry"
        )
    if entry["format"] == "clickme":
        raise UserError(
            f"{place}: leave_out: the images of ClickMe's shards have no names; leave it empty"
        )


def _whole_sets(registry: dict) -> list[str]:
    """Names of the attention sets that a part can be held out of: prepared as one file, and whole."""
    sets = registry["attention"].items()
    return [name for name, one in sets if "held_out" not in one and one["format"] != "clickme"]


def check_scores(registry: dict, where: str) -> None:
    """Raise `UserError` if a table of scores refers to a dataset or a file that is not there."""
    scores = registry.get("scores", {})
    require_plain(scores, f"{where}: scores")
    for name, entry in scores.items():
        place = f"{where}: scores: {name}"
        if "path" in entry:
            continue
        choose(entry["dataset"], registry["datasets"], f"{place}: dataset")
        files = registry["datasets"][entry["dataset"]]["files"]
        for file in [*entry["files"], *filter(None, [entry.get("reduced")])]:
            choose(file, files, f"{place}: file")


def files_of(entry: dict) -> list[tuple[str, str]]:
    """(dataset, file) of everything that an entry reads; own files are of no dataset."""
    if is_own(entry):
        listed = entry.get("list", {})
        return [(listed["dataset"], listed["file"])] if "dataset" in listed else []
    files = entry["files"] if "files" in entry else [entry["file"]]
    tables = filter(None, [entry.get("table"), entry.get("kinds", {}).get("table")])
    return [(entry["dataset"], file) for file in [*files, *tables]]
