"""Where every number comes from: data, weights, code, packages and settings behind each table row."""

from collections.abc import Iterable
from pathlib import Path

from itcortex import store
from itcortex.registry import sha256_of

HOW_TO_READ = (
    "A row of any table belongs to the entry of `jobs` with its recording, model and weights. "
    "There: SHA-256 of the recording's source file (`data`, see `datasets`), digest of the weights' "
    "tensors, fingerprint of the code of each rule on the way (see `code` for its state now), and "
    "the versions of the packages it ran with (`environments`). `settings` is the configuration "
    "behind the tables, whose own SHA-256 are under `tables`."
)


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


def job(predictions: str | Path, environments: Environments) -> dict:
    """Data, weights, code and packages behind one job of fit_encoding, by what its file carries."""
    attributes = store.read_attributes(predictions)
    stamps = [attributes["activations"], store.read_stamp(predictions)]
    return {
        **{key: attributes[key] for key in ("recording", "model", "weights")},
        "data": {attributes["source"]: attributes["source_sha256"]},
        "weights_digest": attributes["weights_digest"],
        "code": {stamp["rule"]: stamp["code"] for stamp in stamps},
        "environments": {s["rule"]: environments.name(s["packages"]) for s in stamps},
    }


def trace(
    predictions: Iterable[str | Path],
    tables: Iterable[str | Path],
    *,
    datasets: dict,
    sources: dict,
    settings: dict,
    code: dict[str, str],
) -> dict:
    """Everything behind an experiment's tables, as JSON values without a time stamp.

    Parameters
    ----------
    predictions : files of rule fit_encoding, one a job.
    tables : the files whose rows are explained.
    datasets : the registry's entries (url, licence, citation) of the data in use, by name.
    sources : weights' sources by "model/weights".
    settings : the configuration.
    code : fingerprint of every rule's code as it is now.
    """
    environments = Environments()
    jobs = [job(path, environments) for path in predictions]
    for entry in jobs:
        entry["weights_source"] = sources[f"{entry['model']}/{entry['weights']}"]
    return {
        "how_to_read": HOW_TO_READ,
        "settings": settings,
        "tables": {Path(path).name: sha256_of(path) for path in tables},
        "datasets": datasets,
        "code": code,
        "environments": environments.by_name,
        "jobs": jobs,
    }
