"""Responses of recorded sites to images that they were never shown, as a kept mapping predicts them."""

from collections.abc import Mapping

import numpy as np
import pandas as pd

from itcortex.errors import UserError
from itcortex.mappings.kept import KeptMapping
from itcortex.regression.linear_maps import LinearMap


def as_arrays(kept: KeptMapping) -> tuple[dict[str, np.ndarray], dict]:
    """Arrays and attributes by which a kept mapping is written to a file."""
    arrays = {"coefficients": kept.weights.coefficients, "intercept": kept.weights.intercept}
    return arrays, {"grid": list(kept.grid), "pool": kept.pool}


def from_arrays(arrays: Mapping[str, np.ndarray], attributes: dict) -> KeptMapping:
    """The kept mapping of a file; the inverse of `as_arrays`."""
    weights = LinearMap(arrays["coefficients"], arrays["intercept"])
    return KeptMapping(weights, tuple(attributes["grid"]), attributes["pool"])


def require_same_weights(attributes: dict, digest: str, where: str) -> None:
    """Raise `UserError` if a mapping was fitted to a network with other weights than these."""
    if attributes["weights_digest"] != digest:
        raise UserError(
            f"{where}: was fitted to a network with other weights (digest "
            f"{attributes['weights_digest'][:12]}, not {digest[:12]}); make the mapping anew"
        )


def predict(loaded, attributes: dict, kept: KeptMapping, pictures: dict, batch_size: int):
    """Responses (image, y, x, site) to pictures of any size, through the mapping's layer.

    Parameters
    ----------
    loaded : itcortex.weights.loaded.LoadedNetwork
        The network that the mapping was fitted to.
    attributes : dict
        Of the mapping's file: `layer` (as in the file of activations), `side`, `dtype`.
    kept : KeptMapping
    pictures : dict of uint8 arrays (row, column, rgb)
    batch_size : int
    """
    from itcortex.networks.activations import extract  # noqa: PLC0415 (torch takes seconds)
    from itcortex.networks.layers import Layer  # noqa: PLC0415

    layer = Layer(**attributes["layer"])
    shown = list(pictures.values())
    batches = extract(
        loaded.model, loaded.preprocessing, shown, [layer], batch_size, loaded.device,
        attributes["side"],
    )  # fmt: skip
    values = [kept.predict(maps[layer.name].astype(attributes["dtype"])) for _, maps in batches]
    return np.concatenate(values)


def as_table(values: np.ndarray, image_ids: list[str], site_ids: list[str]) -> pd.DataFrame:
    """One row for each image, position and site: `image`, `y`, `x`, `site`, `response`.

    Positions count from the top left of the image; both are 0 for a recording without a grid.
    """
    image, y, x, site = np.indices(values.shape).reshape(4, -1)
    return pd.DataFrame(
        {
            "image": np.asarray(image_ids, dtype=object)[image],
            "y": y,
            "x": x,
            "site": np.asarray(site_ids, dtype=object)[site],
            "response": values.ravel(),
        }
    )
