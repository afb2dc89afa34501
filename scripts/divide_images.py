"""Rule divide_images: parts of a recording's images, as they are alike to a network."""

from itcortex import store
from itcortex.data import stimuli
from itcortex.encoding.divisions import divide_into_folds
from itcortex.encoding.image_parts import PARTS, pooled
from itcortex.running import job


def main(activations, recording, parts, folds, name, division, network, seed):
    """Write the part of every image, and its distance; refuse parts that cannot be held out.

    `network` (model, weights) is whose activations they are; its deepest layer counts.
    """
    recorded, features = store.read_recording(recording), store.open_activations(activations)
    images = stimuli.join_images(recorded.image_ids, features.image_ids, activations)
    layer = max(features.layers, key=features.depths.get)
    values = pooled(features.read(layer, images))
    found = PARTS[folds["kind"]](values, recorded.pictures, folds, seed)
    found.insert(0, "image", recorded.image_ids)
    divide_into_folds(recorded, folds, seed, dict(zip(found["image"], found["part"], strict=True)))
    about = {"recording": name, "division": division, "layer": layer} | network
    store.write_table(parts, found.assign(**about))


if __name__ == "__main__":
    job.run(main, snakemake)
