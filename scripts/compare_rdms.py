"""Rule compare_rdms: RSA of every layer of one model with one published set of RDMs."""

import numpy as np

from itcortex import store
from itcortex.data import stimuli
from itcortex.running import job, progress
from itcortex.similarity.comparison import (
    PATTERNS,
    as_table,
    compare_layers,
    draws_table,
    layer_patterns,
)


def main(activations, rdms, comparison, resampled, labels, splits, draws, seed):
    """Score every layer, by all its units and by its channels; choose layers on other images.

    `resampled` holds the score of the chosen layers in every draw of images; as all networks have the
    same seed, they have the same draws.
    """
    published, features = store.read_rdms(rdms), store.open_activations(activations)
    images = stimuli.join_images(published.image_ids, features.image_ids, activations)
    predicted = {pattern: [] for pattern in PATTERNS}
    for layer in progress.bar(features.layers, f"{labels['model']} layers", unit="layer"):
        patterns = layer_patterns(features.read(layer, images))
        for pattern, pairs in patterns.items():
            predicted[pattern].append(pairs)
    recorded = published.by_subject()[1]
    comparisons = {
        pattern: compare_layers(
            recorded,
            np.stack(pairs),
            splits,
            draws,
            np.random.default_rng(seed),
            kinds=published.kinds,
        )
        for pattern, pairs in predicted.items()
    }
    table = as_table(labels, features.depths, comparisons, published)
    store.write_table(comparison, table)
    store.write_table(resampled, draws_table(labels, comparisons))


if __name__ == "__main__":
    job.run(main, snakemake)
