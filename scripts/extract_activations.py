"""Rule extract_activations: every chosen layer of one model on one set of stimuli, in one pass."""

import logging
from dataclasses import asdict

from itcortex import store
from itcortex.networks.activations import extract
from itcortex.networks.layer_choice import choose_layers, named_layers
from itcortex.networks.projection import Projection
from itcortex.running import job
from itcortex.weights.loaded import load_network

_log = logging.getLogger(__name__)


def main(
    stimuli, weights, activations, notes, network, layers, n_layers, side, projection, dtype,
    batch_size, device, seed, threads=1,
):  # fmt: skip
    """Choose the layers (or take those named by `layers`), run the network, write their maps."""
    loaded = load_network(network, weights, device, seed)
    outline, size = loaded.network.skeleton(), loaded.preprocessing.input_size
    chosen = (
        named_layers(outline, size, layers) if layers else choose_layers(outline, size, n_layers)
    )
    for layer in chosen:
        shape = f"{layer.height} x {layer.width} x {layer.channels}"
        _log.info(f"layer at depth {layer.depth:.2f}: {layer.name}, {shape}")
    attributes = {
        "architecture": loaded.network.architecture,
        "network": loaded.network.asdict(),
        "weights_digest": loaded.weights_digest,
        "preprocessing": loaded.preprocessing.asdict(),
        "side": side,
        "projection": projection,
        "layers": [asdict(layer) for layer in chosen],
    }
    names = tuple(layer.name for layer in chosen)
    with store.open_stimuli(stimuli) as (images, image_ids):
        project = Projection.for_images(len(images), **projection) if projection else None
        batches = extract(
            loaded.model, loaded.preprocessing, images, chosen, batch_size, loaded.device, side, dtype,
            project, threads,
        )  # fmt: skip
        store.write_activations(
            activations, batches, names, image_ids, attributes, dtype, threads,
            packed=loaded.device.type == "cpu",
        )  # fmt: skip
    store.write_notes(notes, attributes)


if __name__ == "__main__":
    job.run(main, snakemake, threads=snakemake.threads)
