"""Where time and memory went: the benchmark files of all jobs as one table.

A file holds what Snakemake measured of one job (with psutil, every 30 s and more often in the
beginning): a table with one row and the columns s, max_rss, max_uss, cpu_time, io_in, io_out and
others. Its path says which job it is of, by the pattern of its rule. What a job used of a GPU is not
measured.
"""

import hashlib
import re
from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np
import pandas as pd

from itcortex.errors import UserError

#: Column of a file, and what the table calls it; memory and traffic are in MB (2^20 bytes).
MEASURES = {
    "s": "seconds",
    "cpu_time": "cpu_seconds",
    "max_rss": "memory_mb",
    "io_in": "read_mb",
    "io_out": "written_mb",
}
_WILDCARD = re.compile(r"\{(\w+)[^}]*\}")


def find(patterns: Mapping[str, str], experiment: str) -> list[Path]:
    """Benchmark files that exist by the patterns of all rules, of this experiment or shared; sorted."""
    found = set()
    for pattern in patterns.values():
        named = pattern.replace("{experiment}", experiment)
        fixed = Path(named.partition("{")[0] + "x").parent
        found.update(p for p in fixed.rglob("*.tsv") if _matched(named, p) is not None)
    return sorted(found)


def state(patterns: Mapping[str, str], experiment: str) -> str:
    """16 hex digits that change whenever a job leaves another benchmark file.

    They are a parameter of the rule that collects the files. The files cannot be its inputs: they are
    products of their jobs, and asking for them would plan those jobs, and all before them, again.
    """
    digest = hashlib.sha256()
    for path in find(patterns, experiment):
        about = path.stat()
        digest.update(f"{path} {about.st_size} {about.st_mtime_ns}\n".encode())
    return digest.hexdigest()[:16]


def collect(
    patterns: Mapping[str, str],
    experiment: str,
    models: Sequence[tuple[str, str]],
    used: Mapping[str, Sequence[str]],
) -> pd.DataFrame:
    """A row for every job: rule, model, weights, of (its other wildcards), and `MEASURES`.

    Parameters
    ----------
    patterns : {rule: path of its benchmark files, with wildcards in braces}.
    experiment : jobs of others are left out.
    models : (model, weights) of the experiment; jobs of other networks are left out.
    used : {wildcard: values that the experiment uses}; other values are left out.

    What Snakemake could not measure is NaN, as for a job that took milliseconds. Raises `UserError`
    if no job has left a benchmark file, and for a file that cannot be read as one.
    """
    rows, known = [], set(models)
    for rule, pattern in patterns.items():
        named = pattern.replace("{experiment}", experiment)
        for path in find({rule: pattern}, experiment):
            wildcards = _matched(named, path)
            model, weights = wildcards.pop("model", ""), wildcards.pop("weights", "")
            foreign = model and weights and (model, weights) not in known
            if foreign or any(value not in used.get(n, [value]) for n, value in wildcards.items()):
                continue
            job = {"rule": rule, "model": model, "weights": weights}
            rows += [job | {"of": " ".join(wildcards.values())} | row for row in read(path)]
    if not rows:
        raise UserError(
            f"experiment {experiment}: no job has left a benchmark file yet; run the experiment first"
        )
    return pd.DataFrame(rows)


def read(path: str | Path) -> list[dict[str, float]]:
    """`MEASURES` of every run of a job. Raises `UserError` that names the file if it cannot be read."""
    try:
        table = pd.read_csv(path, sep="\t", na_values=["-", "NA"])
        values = table[list(MEASURES)].astype(np.float64).rename(columns=MEASURES)
    except (OSError, ValueError, KeyError) as error:
        raise UserError(
            f"{path}: not a benchmark file of a job ({error}); delete it, and the next run of the job "
            "writes it again"
        ) from error
    return values.to_dict("records")


def by_rule(jobs: pd.DataFrame) -> pd.DataFrame:
    """Jobs, total and median seconds, total CPU seconds and largest memory of every rule, by time."""
    grouped = jobs.groupby("rule")
    table = pd.DataFrame(
        {
            "jobs": grouped.size(),
            "seconds": grouped["seconds"].sum(),
            "median_seconds": grouped["seconds"].median(),
            "cpu_seconds": grouped["cpu_seconds"].sum(),
            "memory_mb": grouped["memory_mb"].max(),
        }
    )
    return table.sort_values("seconds", ascending=False, kind="stable")


def _matched(pattern: str, path: Path) -> dict[str, str] | None:
    """Wildcards of a path by its pattern; the last one may hold slashes, as weights do."""
    names, parts = _WILDCARD.findall(pattern), _WILDCARD.split(pattern)[::2]
    groups = [f"(?P<{name}>[^/]+)" for name in names[:-1]] + [f"(?P<{n}>.+)" for n in names[-1:]]
    text = re.escape(parts[0]) + "".join(
        group + re.escape(part) for group, part in zip(groups, parts[1:], strict=True)
    )
    found = re.fullmatch(text, path.as_posix())
    return found.groupdict() if found else None
