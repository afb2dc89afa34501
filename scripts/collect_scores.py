"""Rule collect_scores: raw scores, ceilings and alignment of all jobs as tidy tables."""

from collections.abc import Iterator

import numpy as np
import pandas as pd

from itcortex import store
from itcortex.encoding.map_alignment import no_alignment
from itcortex.running import job, progress
from itcortex.tables.kinds import describe_images, image_table, warn_of_kinds
from itcortex.tables.splits import with_splits
from itcortex.tables.streamed import as_texts, summarise
from itcortex.tables.summary import (
    add_ceilings,
    add_marks,
    describe_models,
    describe_recordings,
    sites_left_out,
)

#: What a table of a job says that the job is about.
LABELS = ("recording", "model", "weights")


def main(
    encoding, alignments, orientations, ceiling, recorded, models, scores, summary, summary_csv,
    alignment, ceilings, orientation, images, images_csv, kinds, kinds_csv, recordings, splits, draws,
    seed,
):  # fmt: skip
    """Join what the jobs wrote with the table of models and the recordings' attributes.

    `recorded` are the recordings, in the order of `recordings`, which has their attributes by name;
    `splits` has the names of their folds, which become the column `split`.
    """
    known = store.read_table(models)
    noise = pd.concat([store.read_table(path) for path in ceiling], ignore_index=True)
    rng = np.random.default_rng(seed)
    by_model, by_kind = [], []

    def of_layers() -> Iterator[pd.DataFrame]:
        for path in progress.bar(encoding, "scores", unit="job"):
            of_job = summarise(store.read_blocks(path), draws, rng)
            by_model.append(of_job.by_model)
            by_kind.append(of_job.by_kind)
            yield with_splits(describe_models(as_texts(of_job.by_fold), known), splits)

    store.write_blocks(scores, of_layers())  # a million rows and more: never all in memory
    labels = zip(recordings, map(store.read_image_labels, recorded), strict=True)
    shown = image_table(dict(labels))
    of_kinds = describe_models(pd.concat(by_kind, ignore_index=True), known)
    summaries = add_ceilings(pd.concat(by_model, ignore_index=True), noise)
    left_out = {
        name: sites_left_out(store.read_attributes(path))
        for name, path in zip(recordings, recorded, strict=True)
    }
    summaries = describe_recordings(
        add_marks(describe_models(summaries, known), known), recordings, left_out
    )
    summaries = describe_images(summaries, shown)
    warn_of_kinds(summaries)
    aligned = [store.read_table(path) for path in alignments]  # none where no recording has maps
    aligned = pd.concat(aligned or [no_alignment(LABELS)], ignore_index=True)

    store.write_table(ceilings, with_splits(noise, splits))
    turned = pd.concat([store.read_table(path) for path in orientations], ignore_index=True)
    store.write_table(orientation, with_splits(describe_models(turned, known), splits))
    store.write_table(alignment, with_splits(describe_models(aligned, known), splits))
    store.write_table(images, shown, csv=images_csv)
    store.write_table(kinds, with_splits(of_kinds, splits), csv=kinds_csv)
    store.write_table(summary, with_splits(summaries, splits), csv=summary_csv)


if __name__ == "__main__":
    job.run(main, snakemake)
