"""Rule compare_conditions: what human maps change, beside other maps and fine-tuning without any."""

import json
from collections import defaultdict
from collections.abc import Iterator, Sequence
from pathlib import Path

import numpy as np
import pandas as pd

from itcortex import store
from itcortex.files import atomic_path
from itcortex.running import job, progress
from itcortex.tables import condition_measures as measures_of
from itcortex.tables import condition_words
from itcortex.tables.condition_contrasts import contrasts
from itcortex.tables.condition_marks import marks
from itcortex.tables.condition_sites import OF_LAYERS, Layered
from itcortex.tables.conditions import conditions_tables
from itcortex.tables.model_pairs import collect_tests


def main(
    encoding, comparisons, resampled, attention, answers, notes, histories, models, summary, conditions,
    conditions_csv, seeds, findings, trained, pattern, mapping, draws, seed,
):  # fmt: skip
    """Write tables of paired differences between conditions, and what they say of one mapping.

    `notes` are the JSON files of the trainings `trained` ("model weights"), in their order,
    and `histories` what they noted of their epochs. `comparisons` and `resampled` are what compare_rdms
    wrote, `attention` what score_attention did, and `answers` compare_answers. Of these and of
    `encoding` (with its `summary`) some may be empty.
    """
    rng = np.random.default_rng(seed)
    texts = (Path(path).read_text(encoding="utf-8") for path in notes)
    noted = dict(zip(trained, map(json.loads, texts), strict=True))
    of_epochs = dict(zip(trained, map(store.read_table, histories), strict=True))
    tests = _tests(encoding)
    of_models = store.read_table(models)
    names = of_models["model"] + " " + of_models["weights"]
    baselines = dict(zip(names, of_models["baseline"].fillna(""), strict=True))
    measures = []
    if encoding:
        summary = store.read_table(summary)
        measures += measures_of.of_recordings(tests, summary, draws, rng, baselines)
    if comparisons:
        measures += measures_of.of_rdms(_tables(comparisons), _tables(resampled), pattern)
    if attention:
        measures += measures_of.of_attention(_tables(attention), draws, rng)
    if answers:
        measures += measures_of.of_answers(_tables(answers), draws, rng)
    found = contrasts(of_models[names.isin(trained)])  # the digits study stands apart
    table, of_seeds = conditions_tables(measures, found, draws, rng, marks(noted, of_epochs))
    store.write_table(conditions, table, csv=conditions_csv)
    store.write_table(seeds, of_seeds)
    text = condition_words.findings(table, "r", mapping)
    print(text)
    with atomic_path(findings) as path:
        path.write_text(text, encoding="utf-8")


def _tests(paths: Sequence[str]) -> Iterator[dict[tuple, Layered]]:
    """Scores of all networks, one recording after the other."""
    of_recording = defaultdict(list)
    for path in paths:
        of_recording[store.read_constants(path, ["recording"])["recording"]].append(path)
    for some in progress.bar(of_recording.values(), "conditions", unit="recording"):
        yield collect_tests((store.read_rows(path, **OF_LAYERS) for path in some), Layered)


def _tables(paths: Sequence[str]) -> pd.DataFrame:
    return pd.concat([store.read_table(path) for path in paths], ignore_index=True)


if __name__ == "__main__":
    job.run(main, snakemake)
