"""Rule fit_encoding: all layers, folds and windows of one model on one recording."""

import functools

import numpy as np

from itcortex import store
from itcortex.data import stimuli
from itcortex.data.recordings import trial_average
from itcortex.encoding.divisions import DIVISIONS
from itcortex.encoding.fits import REVERSE, Fits
from itcortex.encoding.orientation import orientation_table
from itcortex.encoding.places import Place
from itcortex.encoding.ridge_options import RidgeOptions
from itcortex.encoding.targets import (
    SHUFFLING,
    choose_targets,
    shuffled_responses,
    shuffled_targets,
    stack_targets,
)  # fmt: skip
from itcortex.mappings.reverse import Repeats
from itcortex.numerics.resample import pooling
from itcortex.running import job, progress


def main(
    activations, recording, scores, predictions, orientation, labels, kinds, protocol,
    components, rule, ridge, device, fall_back, folds, pool, window, sweep, permutations, seed,
    pca=None, divided=(), split="",
):  # fmt: skip
    """Score every layer on held-out images; keep the predictions of the layers that were chosen.

    `split` names the folds in the raw scores.
    """
    recorded, features = store.read_recording(recording), store.open_activations(activations)
    images = stimuli.join_images(recorded.image_ids, features.image_ids, activations)
    division = DIVISIONS[protocol](recorded, folds, seed, store.read_parts(divided))
    targets = choose_targets(recorded, window, sweep)
    shuffled = shuffled_targets(targets[0], permutations)
    rng = np.random.default_rng([seed, SHUFFLING])
    responses = stack_targets(recorded, targets, rng, division.tested)
    of_others = shuffled_responses(recorded, shuffled, rng, division.tested)
    reduce = pooling(recorded.has_grid, pool)

    place = Place(device, fall_back)
    fits = Fits(
        kinds, protocol, targets, components, rule, seed, RidgeOptions.of(ridge), place, pca
    )
    for layer in progress.bar(features.layers, f"{labels['model']} layers", unit="layer"):
        maps = features.read(layer, images, reduce)
        fits.add(layer, maps, responses, division)
    read = functools.partial(features.read, images=images, reduce=reduce)
    repeats = None
    if recorded.trials is not None and REVERSE in kinds:
        trials = trial_average(recorded, targets[0].window)
        repeats = Repeats(trials, recorded.with_trials, responses[0])
    fits.add_control(shuffled, of_others, division, read, repeats)
    chosen, held_out = fits.main_predictions(division)
    usual = fits.usual_layer()
    maps = features.read(usual, images) if recorded.has_grid else None
    turned = orientation_table(maps, responses[0], division, components)
    by_fold = {name: fits.layers[layer] for name, layer in zip(division.names, chosen, strict=True)}
    origin = {
        "weights_digest": features.attributes["weights_digest"],
        "activations": store.read_stamp(activations),
    }
    predicted = recorded.predicted(held_out, window, labels | origin | {"layers": by_fold})
    store.write_recording(predictions, predicted)
    store.write_table(orientation, turned.assign(layer=usual, **labels))
    about = (features.depths, division.names, recorded.site_ids)
    store.write_blocks(scores, fits.blocks(labels | {"split": split}, *about))


if __name__ == "__main__":
    job.run(main, snakemake)
