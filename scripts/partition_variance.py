"""Rule partition_variance: what two networks explain of a recording, each beyond the other, and both."""

import functools
from collections import Counter

import numpy as np

from itcortex import store
from itcortex.data import stimuli
from itcortex.data.recordings import window_average
from itcortex.encoding.divisions import DIVISIONS
from itcortex.encoding.places import Place
from itcortex.encoding.ridge_options import RidgeOptions
from itcortex.mappings.banded import MODELS, grid_samples, squared_errors
from itcortex.numerics.resample import pooling
from itcortex.running import job, progress
from itcortex.tables.unique_variance import variance_table


def main(
    activations, other_activations, recording, predictions, other_predictions, divided, variance,
    labels, mapping, protocol, ridge, device, fall_back, folds, pool, window, draws, seed,
):  # fmt: skip
    """Write shares of variance of every site; the layers are those that the main analysis chose.

    `labels` name the recording and both networks. Splits with the same two layers are fitted together.
    Of `ridge` the penalties and the precision count: within the training images, images are left out.
    """
    recorded = store.read_recording(recording)
    division = DIVISIONS[protocol](recorded, folds, seed, store.read_parts(divided))
    responses = window_average(recorded, window if recorded.has_time else None)
    reduce = pooling(recorded.has_grid, pool)
    options, place = RidgeOptions.of(ridge), Place(device, fall_back)
    readers, layers = [], []
    for path, predicted in ((activations, predictions), (other_activations, other_predictions)):
        features = store.open_activations(path)
        images = stimuli.join_images(recorded.image_ids, features.image_ids, path)
        readers.append(functools.partial(features.read, images=images, reduce=reduce))
        by_fold = store.read_recording(predicted).attributes["layers"]
        layers.append([by_fold[name] for name in division.names])
    errors = np.zeros((len(MODELS), *responses[:, 0, 0].shape))
    pairs = list(zip(*layers, strict=True))
    for pair in progress.bar(sorted(set(pairs)), "layers", unit="pair"):
        bands = [
            grid_samples(read(layer), responses.shape[1:3])
            for read, layer in zip(readers, pair, strict=True)
        ]
        splits = [k for k, one in enumerate(pairs) if one == pair]
        fit = functools.partial(
            squared_errors, *bands, responses, division, splits, options.penalties, seed,
            dtype=options.precision,
        )  # fmt: skip
        errors += place.run(lambda device, fit=fit: fit(device=device))
    tested = np.flatnonzero(errors[0].any(1))
    rng = np.random.default_rng(seed)
    table = variance_table(errors[:, tested], recorded.site_ids, draws, rng)
    usual = [Counter(one).most_common(1)[0][0] for one in layers]
    about = {"layer": usual[0], "other_layer": usual[1], "mapping": mapping, "protocol": protocol}
    store.write_table(variance, table.assign(**about, **labels))


if __name__ == "__main__":
    job.run(main, snakemake)
