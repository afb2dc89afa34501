"""Where every number comes from: data, weights, code, packages and settings behind each table row."""

from collections.abc import Iterable
from functools import cache
from pathlib import Path

from itcortex import store
from itcortex.data.own.entries import is_own, local_files
from itcortex.data.registry import files_of
from itcortex.errors import UserError
from itcortex.files import sha256_of
from itcortex.workflow import paths
from itcortex.workflow.local_files import digest_of as local_files_digest
from itcortex.workflow.paths import KINDS, LABELS

HOW_TO_READ = (
    "A row of any table belongs to the entries of `jobs` that have its recording, rdm, attention, "
    "model and weights, as far as it has them: statistics over models belong to all jobs of their "
    "recording. There: the job's file; SHA-256 of the published or simulated files behind it (`data`, "
    "see `datasets`); digest of the weights' tensors (`weights` says how they were had); fingerprint "
    "of the code of each rule on the way (see `code` for its state now), and the versions of the "
    "packages it ran with (`environments`). Tables of published scores and what follows from them are "
    "made from the files under `published`, with their SHA-256. `settings` is the configuration behind "
    "the tables, whose own SHA-256 are under `tables`."
)
#: Ends of paths, by which files are found wherever results lie.
WEIGHTS, ACTIVATIONS, PREDICTIONS, STIMULI = map(
    paths.end_of, (paths.WEIGHTS, paths.ACTIVATIONS_NOTES, paths.PREDICTIONS, paths.STIMULI)
)
PREPARED = {"recording": paths.end_of(paths.RECORDING), "rdm": paths.end_of(paths.RDMS)}


class Environments:
    """Package versions by a short name, each set once."""

    def __init__(self):
        self.by_name: dict[str, dict] = {}

    def name(self, packages: dict) -> str:
        """The name of a set of versions; a new one gets the next number."""
        for name, known in self.by_name.items():
            if known == packages:
                return name
        name = f"environment-{len(self.by_name) + 1}"
        self.by_name[name] = packages
        return name


class Files:
    """Files by the end of their path, `activations/photos/resnet18/imagenet.h5`; what they tell."""

    def __init__(self, paths: Iterable[str | Path]):
        self.by_end = {}
        for path in map(Path, paths):
            self.by_end |= {"/".join(path.parts[k:]): path for k in range(len(path.parts))}
        self.stamp, self.sha256 = cache(store.read_stamp), cache(local_files_digest)
        self.attributes = cache(store.read_attributes)

    def find(self, end: str) -> Path:
        """The file whose path ends so; `UserError` if it is not among those that were given."""
        end = end.lstrip("/")
        if end not in self.by_end:
            raise UserError(f"provenance: {end} is not among the inputs of rule record_provenance")
        return self.by_end[end]


def steps(labels: dict, registry: dict) -> list[str]:
    """Ends of the paths of files that a job's results were made from, nearest first.

    `labels` says what the job is about (see `LABELS`); a job without a model used no network.
    """
    found = []
    for column, kind in KINDS.items():
        if column not in labels:
            continue
        entry = registry[kind][labels[column]]
        if column == "attention":
            found += map(paths.end_of, paths.photographs(labels[column], entry))
            continue
        if "model" in labels:
            found += [PREDICTIONS.format(**labels)] if column == "recording" else []
            found.append(ACTIVATIONS.format(stimuli=entry["stimuli"], **labels))
            found.append(STIMULI.format(stimuli=entry["stimuli"]))
        found.append(PREPARED[column].format(**labels))
    return found + ([WEIGHTS.format(**labels)] if "model" in labels else [])


def data_of(labels: dict, registry: dict) -> list[str]:
    """dataset/file of everything published or simulated that is behind a job, and own files."""
    entries = [registry[kind][labels[column]] for column, kind in KINDS.items() if column in labels]
    if "model" in labels:
        entries += [registry["stimuli"][one["stimuli"]] for one in entries if "stimuli" in one]
    found = {"/".join(pair) for entry in entries for pair in files_of(entry)}
    found |= {path for entry in entries if is_own(entry) for path in local_files(entry)}
    return sorted(found)


def digest_of_data(name: str, ends: Iterable[str], files: Files) -> str:
    """SHA-256 of a file or folder: as noted when it was read, else of what is there now.

    `ends` are those of `steps`; recordings and some stimuli note what they were made from.
    """
    for end in (end for end in ends if end.startswith(("recordings/", "stimuli/"))):
        noted = files.attributes(files.find(end))
        if noted.get("source") == name and "source_sha256" in noted:
            return noted["source_sha256"]
    return files.sha256(files.find(name))


def job(
    path: str | Path,
    files: Files,
    registry: dict,
    environments: Environments,
    test_images: dict[str, list[str]],
) -> dict:
    """What is behind one job's table, by the labels in it and the stamps of all files on its way.

    A job with a network and nothing else was shown that network's `test_images`. Raises `UserError` for
    activations that were computed with other weights than there are now.
    """
    labels = store.read_constants(path, LABELS)
    shown = [] if labels.keys() & KINDS.keys() else test_images.get(key_of(labels), [])
    ends = steps(labels, registry) + shown
    stamps = [files.stamp(one) for one in [*map(files.find, reversed(ends)), Path(path)]]
    stamps = [stamp for stamp in stamps if stamp]  # files made outside of a job have none
    entry = {
        "file": Path(path).as_posix(),
        **labels,
        "data": {
            name: digest_of_data(name, ends, files) for name in [*data_of(labels, registry), *shown]
        },
        "code": {stamp["rule"]: stamp["code"] for stamp in stamps},
        "environments": {s["rule"]: environments.name(s["packages"]) for s in stamps},
    }
    if "model" in labels:
        weights = files.find(WEIGHTS.format(**labels))
        entry["weights_digest"] = store.read_weights_attributes(weights)["digest"]
        for end in (end for end in ends if end.startswith("activations/")):
            if store.read_attributes(files.find(end))["weights_digest"] != entry["weights_digest"]:
                raise UserError(
                    f"{files.find(end)}: activations were computed with other weights than those of "
                    f"{weights}; delete it to make them anew"
                )
    return entry


def key_of(labels: dict) -> str:
    """ "model/weights" of a job's labels; empty without a network."""
    return "{model}/{weights}".format(**labels) if "model" in labels else ""


def weights_of(entries: list[dict], files: Files, sources: dict) -> dict[str, dict]:
    """What the headers of the weights' files say, by "model/weights", with their sources."""
    found = {}
    for model, weights in sorted({(e["model"], e["weights"]) for e in entries if "model" in e}):
        path = files.find(WEIGHTS.format(model=model, weights=weights))
        key = f"{model}/{weights}"
        found[key] = store.read_weights_attributes(path) | {"source": sources[key]}
    return found


def trace(
    jobs: Iterable[str | Path],
    made_from: Iterable[str | Path],
    tables: Iterable[str | Path],
    *,
    registry: dict,
    datasets: dict,
    sources: dict,
    settings: dict,
    code: dict[str, str],
    published: dict[str, dict] | None = None,
    test_images: dict[str, list[str]] | None = None,
) -> dict:
    """Everything behind an experiment's tables, as JSON values without a time stamp.

    Parameters
    ----------
    jobs : tables of single jobs, which the experiment's tables were joined from; those without rows
        are behind no row and have no entry.
    made_from : all files on the way to them: data, what was prepared from it, notes of activations
        (which themselves need not be kept), weights.
    tables : the files whose rows are explained.
    registry : entries in use of the registry, by kind and name.
    datasets : the registry's datasets (url, licence, citation) in use, by name.
    sources : weights' sources by "model/weights".
    settings : the configuration.
    code : fingerprint of every rule's code as it is now.
    published : tables of published scores by name: `files`, and what the registry says of them.
    test_images : dataset/file of the images that networks of the digits study are tested with, by
        "model/weights".
    """
    files, environments = Files(made_from), Environments()
    with_rows = [path for path in jobs if store.count_rows(path)]
    about = (files, registry, environments, test_images or {})
    entries = [job(path, *about) for path in with_rows]
    return {
        "how_to_read": HOW_TO_READ,
        "settings": settings,
        "tables": {Path(path).name: sha256_of(path) for path in tables},
        "datasets": datasets,
        "published": {
            name: table | {"files": {path: sha256_of(path) for path in table["files"]}}
            for name, table in (published or {}).items()
        },
        "code": code,
        "environments": environments.by_name,
        "weights": weights_of(entries, files, sources),
        "jobs": entries,
    }
