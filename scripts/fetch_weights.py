"""Rule fetch_weights: the weights of one row of the model table, under its network's names."""

from itcortex import store
from itcortex.networks.network import Network
from itcortex.running import job
from itcortex.weights.availability import recorded
from itcortex.weights.sources import fetch
from itcortex.weights.state import digest


def main(weights, network, source, sha256="", file=None):
    """Write the state dict that `source` gives, with its digest and origin.

    Weights that their publisher does not give leave a record in their place, and no file.
    """
    network = Network(**network)
    with recorded(weights, source):
        state, origin = fetch(source, network, sha256, file)
    attributes = {"architecture": network.architecture, "source": source, "digest": digest(state)}
    store.write_weights(weights, state, attributes | {"origin": origin})
    print(f"{network.architecture} from {source}: {len(state)} tensors")
    print(f"digest {attributes['digest']}", *(f"{k} {v}" for k, v in origin.items()), sep="\n")


if __name__ == "__main__":
    job.run(main, snakemake)
