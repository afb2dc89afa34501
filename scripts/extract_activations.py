"""Rule extract_activations: every chosen layer of one model on one set of stimuli, in one pass."""

from dataclasses import asdict

from itcortex import job, store
from itcortex.activations import extract
from itcortex.models import Preprocessing, build, choose_layers, named_layers, skeleton
from itcortex.torch_compat import resolve_device
from itcortex.weights import digest, load


def main(
    stimuli,
    weights,
    activations,
    architecture,
    layers,
    n_layers,
    dtype,
    batch_size,
    device,
    seed,
):
    """Choose the layers (or take those named by `layers`), run the network, write their maps."""
    device = resolve_device(device)
    shown = store.read_stimuli(stimuli)
    state, origin = store.read_weights(weights)
    model = build(architecture, seed=seed)
    load(model, architecture, state, origin, weights)
    preprocessing = Preprocessing.of(model)
    outline, size = skeleton(architecture), preprocessing.input_size
    chosen = (
        named_layers(outline, size, layers) if layers else choose_layers(outline, size, n_layers)
    )
    for layer in chosen:
        print(f"{layer.depth:5.2f} {layer.name}: {layer.height} x {layer.width} x {layer.channels}")
    attributes = {
        "architecture": architecture,
        "weights_digest": digest(state),
        "preprocessing": preprocessing.asdict(),
        "layers": [asdict(layer) for layer in chosen],
    }
    batches = extract(model, preprocessing, shown.images, chosen, batch_size, device)
    names = tuple(layer.name for layer in chosen)
    store.write_activations(activations, batches, names, shown.image_ids, attributes, dtype)


if __name__ == "__main__":
    job.run(main, snakemake)
