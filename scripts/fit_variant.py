"""Rule fit_variant: one model on one recording as a variant of the analysis has it."""

from itcortex import store
from itcortex.data import stimuli
from itcortex.encoding.divisions import DIVISIONS
from itcortex.encoding.fits import Fits
from itcortex.encoding.places import Place
from itcortex.encoding.ridge_options import RidgeOptions
from itcortex.encoding.targets import choose_targets, stack_targets
from itcortex.numerics.resample import pooling
from itcortex.running import job, progress


def main(
    activations, recording, scores, labels, kinds, protocol, components, rule, ridge, device, fall_back,
    folds, pool, window, seed, pca=None, divided=(), split="",
):  # fmt: skip
    """Score every layer on held-out images in the main window, without controls and predictions.

    `split` names the folds in the raw scores.
    """
    recorded, features = store.read_recording(recording), store.open_activations(activations)
    images = stimuli.join_images(recorded.image_ids, features.image_ids, activations)
    division = DIVISIONS[protocol](recorded, folds, seed, store.read_parts(divided))
    targets = choose_targets(recorded, window, [])
    responses = stack_targets(recorded, targets, rng=None)  # nothing is shuffled
    reduce = pooling(recorded.has_grid, pool)
    place = Place(device, fall_back)
    fits = Fits(
        kinds, protocol, targets, components, rule, seed, RidgeOptions.of(ridge), place, pca
    )
    for layer in progress.bar(features.layers, f"{labels['model']} layers", unit="layer"):
        fits.add(layer, features.read(layer, images, reduce), responses, division)
    about = (features.depths, division.names, recorded.site_ids)
    store.write_blocks(scores, fits.blocks(labels | {"split": split}, *about))


if __name__ == "__main__":
    job.run(main, snakemake)
