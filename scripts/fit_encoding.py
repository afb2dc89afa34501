"""Rule fit_encoding: all layers, folds and windows of one model on one recording."""

import dataclasses
import functools

import numpy as np

from itcortex import crossval, encoding, job, progress, store, tables, windows


def main(
    activations, recording, scores, predictions, labels, mapping, protocol, components, folds, pool,
    window, sweep, seed,
):  # fmt: skip
    """Score every layer on held-out images; keep the predictions of the layers that were chosen."""
    recorded, features = store.read_recording(recording), store.open_activations(activations)
    images = encoding.join_images(recorded.image_ids, features.image_ids, activations)
    fold_of = crossval.assign_folds(recorded.image_ids, folds, np.random.default_rng(seed))
    targets = windows.choose_targets(recorded, window, sweep)
    responses = windows.stack_targets(recorded, targets, np.random.default_rng(seed))

    reduce = None if recorded.has_grid else functools.partial(encoding.pool_maps, side=pool)
    results = []
    for layer in progress.bar(features.layers, f"{labels['model']} layers", unit="layer"):
        maps = features.read(layer, images, reduce)
        results.append(encoding.fit_layer(maps, responses, fold_of, components))
        print(f"{layer} {maps.shape[1:]}: {results[-1].n_components} components")

    chosen = crossval.choose_layers(np.stack([result.inner for result in results]))
    names = crossval.fold_names(recorded.image_ids, fold_of)
    raw = tables.raw_scores(
        labels | {"mapping": mapping, "protocol": protocol},
        targets, features.depths, results, chosen, names, recorded.site_ids,
    )  # fmt: skip
    held_out = encoding.chosen_predictions(results, chosen, fold_of)
    predicted = dataclasses.replace(
        recorded,
        responses=held_out[:, :, :, None],
        trials=None,
        attributes=recorded.attributes | labels | {
            "window": window if recorded.has_time else None,
            "layers": {
                name: features.layers[chosen[fold]]
                for name, fold in zip(recorded.image_ids, fold_of, strict=True)
            },
        },
    )  # fmt: skip
    store.write_recording(predictions, predicted)
    store.write_table(scores, raw)


if __name__ == "__main__":
    job.run(main, snakemake)
