"""Rule extract_activations: every chosen layer of one model on one set of stimuli, in one pass."""

from dataclasses import asdict

from itcortex import store
from itcortex.networks.activations import extract
from itcortex.networks.layer_choice import choose_layers, named_layers
from itcortex.networks.network import Network
from itcortex.networks.torch_compat import resolve_device
from itcortex.running import job
from itcortex.weights.state import digest, load


def main(
    stimuli,
    weights,
    activations,
    network,
    layers,
    n_layers,
    side,
    dtype,
    batch_size,
    device,
    seed,
):
    """Choose the layers (or take those named by `layers`), run the network, write their maps."""
    device, network = resolve_device(device), Network(**network)
    shown = store.read_stimuli(stimuli)
    model, weights_digest = _trained(network, weights, seed)
    preprocessing = network.preprocessing_of(model)
    outline, size = network.skeleton(), preprocessing.input_size
    chosen = (
        named_layers(outline, size, layers) if layers else choose_layers(outline, size, n_layers)
    )
    for layer in chosen:
        print(f"{layer.depth:5.2f} {layer.name}: {layer.height} x {layer.width} x {layer.channels}")
    attributes = {
        "architecture": network.architecture,
        "network": network.asdict(),
        "weights_digest": weights_digest,
        "preprocessing": preprocessing.asdict(),
        "side": side,
        "layers": [asdict(layer) for layer in chosen],
    }
    batches = extract(model, preprocessing, shown.images, chosen, batch_size, device, side)
    names = tuple(layer.name for layer in chosen)
    store.write_activations(activations, batches, names, shown.image_ids, attributes, dtype)


def _trained(network, weights, seed):
    """The network with its weights, and their digest; the file's tensors are not kept."""
    state, attributes = store.read_weights(weights)
    model = network.build(seed)
    load(model, network.architecture, state, attributes, weights)
    return model, digest(state)


if __name__ == "__main__":
    job.run(main, snakemake)
