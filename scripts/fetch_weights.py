"""Rule fetch_weights: the weights of one row of the model table, under its network's names."""

import logging

from itcortex import store
from itcortex.networks.network import Network
from itcortex.running import job
from itcortex.weights.availability import recorded
from itcortex.weights.sources import fetch_state
from itcortex.weights.state import digest

_log = logging.getLogger(__name__)


def main(weights, network, source, sha256="", state_dict="", match_by="", file=None):
    """Write the state dict that `source` gives, with its digest and origin.

    Weights that their publisher does not give leave a record in their place, and no file.
    """
    network = Network(**network)
    with recorded(weights, source):
        state, origin = fetch_state(source, network, sha256, file, state_dict, match_by)
    attributes = {"architecture": network.architecture, "source": source, "digest": digest(state)}
    store.write_weights(weights, state, attributes | {"origin": origin})
    _log.info(f"{network.architecture} from {source}: {len(state)} tensors")
    for name, value in {"digest": attributes["digest"], **origin}.items():
        _log.info(f"{name} {value}")


if __name__ == "__main__":
    job.run(main, snakemake)
