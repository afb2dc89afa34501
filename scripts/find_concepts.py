"""Rule find_concepts: concepts of the layer that predicts a recording best, and how much they matter."""

import logging
from collections import Counter

import numpy as np

from itcortex import store
from itcortex.concepts.activity import crop_activations
from itcortex.concepts.crops import Crops, strongest
from itcortex.concepts.factorization import find_concepts
from itcortex.concepts.importance import total_indices
from itcortex.data import stimuli as images_of
from itcortex.networks.layer_choice import named_layers
from itcortex.numerics.sampling import spread
from itcortex.running import job
from itcortex.weights.loaded import load_network

_log = logging.getLogger(__name__)


def main(
    recording, stimuli, predictions, weights, concepts, network, settings, batch_size, device, seed,
    threads=1,
):  # fmt: skip
    """Write concepts, the most important first, their importance for every image, and example crops.

    The layer is the one that most folds of the main analysis chose. `settings` are those of `concepts`.
    """
    recorded, known = store.read_recording(recording), store.read_stimuli(stimuli)
    images = known.images[images_of.join_images(recorded.image_ids, known.image_ids, stimuli)]
    by_fold = store.read_recording(predictions).attributes["layers"]
    name = Counter(by_fold.values()).most_common(1)[0][0]
    loaded = load_network(network, weights, device, seed)
    size = loaded.preprocessing.input_size
    (layer,) = named_layers(loaded.network.skeleton(), size, [name])
    crops = Crops.draw(images, settings["crop"], settings["crops"], np.random.default_rng(seed))
    run = loaded.model, loaded.preprocessing
    activations, positive = crop_activations(*run, crops, layer, batch_size, loaded.device, threads)
    found = find_concepts(activations, settings["number"], seed, f"layer {name!r}")
    judged = spread(len(images), settings["images"])
    importances, classes = total_indices(
        *run, images[judged], layer, found.basis, settings["masks"], batch_size, seed, loaded.device
    )
    order = np.argsort(-importances.mean(0), kind="stable")
    found = found.ordered(order)
    _log.info(f"{name}: concepts rebuild {found.explained:.2f} of the crops' squared activations")
    pictures = np.array(recorded.pictures)[crops.image_of]
    arrays = {"basis": found.basis, "importances": importances[:, order], "classes": classes}
    for number, strengths in enumerate(found.strengths.T, 1):
        shown = strongest(strengths, pictures, settings["examples"])
        arrays[f"examples/{number}"] = np.stack([crops[k] for k in shown])
    attributes = {
        "layer": name, "explained": found.explained, "positive": positive, "n_crops": len(crops),
        "images": [recorded.image_ids[k] for k in judged],
        "weights_digest": loaded.weights_digest,
    }  # fmt: skip
    store.write_arrays(concepts, arrays, attributes)


if __name__ == "__main__":
    job.run(main, snakemake, threads=snakemake.threads)
