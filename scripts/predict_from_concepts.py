"""Rule predict_from_concepts: what concepts of a layer predict of the sites, together and one by one."""

from itcortex import store
from itcortex.concepts.factorization import take_apart
from itcortex.data import stimuli
from itcortex.data.recordings import window_average
from itcortex.encoding.concept_scores import score_concepts
from itcortex.encoding.divisions import DIVISIONS
from itcortex.encoding.places import Place
from itcortex.encoding.protocols import PROTOCOLS
from itcortex.encoding.ridge_options import RidgeOptions
from itcortex.numerics.resample import pooling
from itcortex.running import job


def main(
    activations, recording, concepts, divided, scores, labels, mapping, protocol, components, rule,
    ridge, device, fall_back, folds, pool, pca, window, seed,
):  # fmt: skip
    """Write r of the layer, of its concepts, and with and without each, for every fold and site."""
    recorded, features = store.read_recording(recording), store.open_activations(activations)
    images = stimuli.join_images(recorded.image_ids, features.image_ids, activations)
    division = DIVISIONS[protocol](recorded, folds, seed, store.read_parts(divided))
    responses = window_average(recorded, window if recorded.has_time else None)
    arrays, attributes = store.read_arrays(concepts)
    maps = features.read(attributes["layer"], images, pooling(recorded.has_grid, pool))
    fit = PROTOCOLS[protocol].fitter(
        mapping, components, rule=rule, seed=seed, nested=False, ridge=RidgeOptions.of(ridge),
        place=Place(device, fall_back), pca=pca,
    )  # fmt: skip
    strengths = take_apart(maps, arrays["basis"])
    table = score_concepts(maps, strengths, responses, division, fit, recorded.site_ids)
    about = {"mapping": mapping, "protocol": protocol, "layer": attributes["layer"]}
    store.write_table(scores, table.assign(**about, **labels))


if __name__ == "__main__":
    job.run(main, snakemake)
