"""Rule fetch_weights: the weights of one row of the model table, under timm's names."""

from itcortex import job, store
from itcortex.weights import digest, fetch


def main(weights, architecture, source):
    """Write the state dict that `source` gives, with its digest."""
    state = fetch(source, architecture)
    attributes = {"architecture": architecture, "source": source, "digest": digest(state)}
    store.write_weights(weights, state, attributes)
    print(f"{architecture} from {source}: {len(state)} tensors, digest {attributes['digest']}")


if __name__ == "__main__":
    job.run(main, snakemake)
