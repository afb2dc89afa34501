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
from itcortex.tables.conditions import conditions_table
from itcortex.tables.model_pairs import COMPARED, RAW, Collected, collect_tests


def main(
    encoding, comparisons, resampled, attention, notes, models, summary, conditions, conditions_csv,
    findings, trained, pattern, mapping, draws, seed,
):  # fmt: skip
    """Write the table of paired differences between conditions, and what it says of one mapping.

    `notes` are the JSON files of the trainings `trained` ("model weights"), in their order;
    `comparisons` and `resampled` are what compare_rdms wrote, `attention` what score_attention did.
    """
    rng = np.random.default_rng(seed)
    texts = (Path(path).read_text(encoding="utf-8") for path in notes)
    noted = dict(zip(trained, map(json.loads, texts), strict=True))
    tests = _tests(encoding)
    measures = [*measures_of.of_recordings(tests, store.read_table(summary), draws, rng)]
    if comparisons:
        measures += measures_of.of_rdms(_tables(comparisons), _tables(resampled), pattern)
    if attention:
        measures += measures_of.of_attention(_tables(attention), draws, rng)
    measures += measures_of.of_trainings(noted)
    found = contrasts(store.read_table(models))
    table = conditions_table(measures, found, draws, rng, measures_of.marks(noted))
    store.write_table(conditions, table, csv=conditions_csv)
    text = condition_words.findings(table, "r", mapping)
    print(text)
    with atomic_path(findings) as path:
        path.write_text(text, encoding="utf-8")


def _tests(paths: Sequence[str]) -> Iterator[dict[tuple, Collected]]:
    """Scores of all networks, one recording after the other."""
    of_recording = defaultdict(list)
    for path in paths:
        of_recording[store.read_constants(path, ["recording"])["recording"]].append(path)
    for some in progress.bar(of_recording.values(), "conditions", unit="recording"):
        yield collect_tests(store.read_rows(path, RAW, **COMPARED) for path in some)


def _tables(paths: Sequence[str]) -> pd.DataFrame:
    return pd.concat([store.read_table(path) for path in paths], ignore_index=True)


if __name__ == "__main__":
    job.run(main, snakemake)
