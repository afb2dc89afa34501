"""Scores on several divisions: known drops, drawn on the same sites."""

import numpy as np
import pandas as pd
import pytest

from itcortex.errors import UserError
from itcortex.tables.generalisation import COLUMNS, generalisation_table

SITES = [f"s{k:02d}" for k in range(40)]


def rows(r, split, model="a", sites=SITES):
    """Raw rows of r (fold, site)."""
    fold, site = np.indices(r.shape).reshape(2, -1)
    return pd.DataFrame(
        {
            "recording": "v4", "model": model, "weights": "w", "mapping": "pls", "protocol": "corrected",
            "fold": [f"{split}-{k}" for k in fold], "site": np.array(sites)[site],
            "layer": "late", "r": r.ravel(), "split": split,
        }
    )  # fmt: skip


def table(*parts, draws=400):
    raw = pd.concat(parts, ignore_index=True)
    return generalisation_table(raw, {"v4": "image"}, draws, np.random.default_rng(0))


def test_a_drop_is_the_main_score_minus_the_other_and_its_interval_is_paired_over_sites(rng):
    """Sites differ by .2, folds hardly: the drop of .1 of every site is sure though scores are not."""
    level = 0.5 + 0.2 * rng.standard_normal(40)
    image = level + 0.001 * rng.standard_normal((12, 40))
    clusters = level - 0.1 + 0.001 * rng.standard_normal((5, 40))
    found = table(rows(image, "image"), rows(clusters, "clusters-5"))
    assert found.columns.tolist() == COLUMNS
    main, other = found.to_dict("records")
    assert (main["split"], main["n_folds"], other["split"], other["n_folds"]) == (
        "image", 12, "clusters-5", 5,
    )  # fmt: skip
    assert np.isnan(main["drop"])
    assert main["r"] == pytest.approx(np.median(image, axis=1).mean())
    assert other["drop"] == pytest.approx(main["r"] - other["r"], abs=1e-12)
    assert other["drop_low"] < 0.1 < other["drop_high"]
    assert other["drop_high"] - other["drop_low"] < 0.02
    assert other["r_high"] - other["r_low"] > 0.05


def test_one_test_set_has_an_interval_over_sites_alone(rng):
    same = np.full((1, 40), 0.3)
    found = table(rows(rng.standard_normal((12, 40)), "image"), rows(same, "far-0.2"))
    far = found.iloc[1]
    assert (far["r"], far["r_low"], far["r_high"]) == (0.3, 0.3, 0.3)


def test_undefined_sites_are_left_out_and_every_network_has_its_own_rows(rng):
    r = rng.random((5, 40))
    r[:, 3] = np.nan
    found = table(*(rows(r, s, m) for m in "ab" for s in ("image", "clusters-5")))
    assert len(found) == 4
    np.testing.assert_allclose(found["r"], np.nanmedian(r, axis=1).mean())
    assert (found["drop"].dropna() == 0).all() and found["n_sites"].eq(40).all()


def test_other_sites_and_a_missing_main_score_are_refused(rng):
    r = rng.random((5, 40))
    fewer = rows(r[:, :39], "far-0.2", sites=SITES[:39])
    with pytest.raises(UserError, match="v4: a w was scored on other sites"):
        table(rows(r, "image"), fewer)
    with pytest.raises(UserError, match="v4: a has no score on 'image'"):
        table(rows(r, "far-0.2"))
