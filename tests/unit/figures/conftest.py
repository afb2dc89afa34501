"""Summaries that several figures are drawn of."""

import numpy as np
import pytest

from made import tables as made_tables


@pytest.fixture(scope="session")
def demo():
    """The demo's summary: three trained networks, two untrained, three simulated recordings."""
    return made_tables.summary()


@pytest.fixture(scope="session")
def paper():
    """A summary as large as the paper's, on one recording that is not simulated."""
    chosen, one = made_tables.paper_models(np.random.default_rng(3)), {"m1_pl": ("Monkey 1", "PL")}
    table = made_tables.summary(chosen, one, simulated=False, starts=np.array([90.0, 110.0]))
    twin = (table.weights == "harmonized") & table.model.str.startswith("cnn_")
    return table.assign(baseline=np.where(twin, table.model + " imagenet", ""))
