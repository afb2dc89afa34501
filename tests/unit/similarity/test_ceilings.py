"""Noise ceilings of RDMs against Nili et al.'s definition, and what is known of simulated subjects."""

import numpy as np
import pandas as pd
import pytest
from scipy.spatial.distance import pdist
from scipy.stats import rankdata, spearmanr

import collect_rsa
from itcortex import store
from itcortex.data.published import kriegeskorte
from itcortex.data.rdms import Rdms
from itcortex.similarity import ceilings
from itcortex.similarity.ceilings import ceilings_table, subject_ceilings
from made.rdms import ATTRIBUTES, ids, noisy_subjects
from made.tables import DESCRIPTION


def value(table, quantity, rdm=None):
    """The one value of a quantity."""
    rows = table[(table.quantity == quantity) & ((table.rdm == rdm) | (rdm is None))]
    assert len(rows) == 1
    return rows.rho.iloc[0]


def test_ceilings_are_those_of_nili(rng):
    recorded = rng.random((4, 66)) + rng.random(66)
    lower, upper = [], []
    for k, subject in enumerate(recorded):
        others = np.mean([rankdata(one) for m, one in enumerate(recorded) if m != k], axis=0)
        lower.append(spearmanr(subject, others)[0])
        upper.append(spearmanr(subject, np.mean([rankdata(one) for one in recorded], axis=0))[0])
    found = subject_ceilings(recorded, np.ones((1, 12)))
    assert found["ceiling_lower"] == pytest.approx(np.mean(lower), abs=1e-12)
    assert found["ceiling_upper"] == pytest.approx(np.mean(upper), abs=1e-12)


def test_true_model_lies_between_the_bounds(rng):
    """The RDM without noise scores above the lower bound and below the upper one."""
    truth = rng.standard_normal((25, 30))
    gaps = []
    for _ in range(10):
        recorded = noisy_subjects(rng, truth, 1.5).by_subject()[1]
        bounds = subject_ceilings(recorded, np.ones((1, 25)))
        score = np.mean([spearmanr(one, pdist(truth, "correlation"))[0] for one in recorded])
        gaps.append((score - bounds["ceiling_lower"][0], bounds["ceiling_upper"][0] - score))
    assert np.min(gaps) > 0.01


def test_identical_subjects_have_no_noise(rng):
    rdms = noisy_subjects(rng, rng.standard_normal((10, 20)), 0)
    table = ceilings_table({"made": rdms}, 100, rng)
    assert list(table.quantity) == ["ceiling_lower", "ceiling_upper", "session_reliability"]
    np.testing.assert_allclose(table[["rho", "rho_low", "rho_high"]], 1, atol=1e-12)
    assert (table.n_subjects == 4).all()


def test_one_rdm_of_a_group_has_no_ceiling(rng):
    group = Rdms(rng.random((1, 45)), ids(10), ("group",), ATTRIBUTES)
    assert ceilings_table({"made": group}, 100, rng).empty
    assert list(ceilings_table({"made": group}, 100, rng)) == ceilings.COLUMNS


def test_sessions_are_compared_within_subjects(rng):
    rdms = noisy_subjects(rng, rng.standard_normal((12, 20)), 1)
    expected = [spearmanr(*rdms.values[k : k + 2].tolist())[0] for k in (0, 2, 4, 6)]
    found = ceilings_table({"made": rdms}, 100, rng)
    assert value(found, "session_reliability") == pytest.approx(np.mean(expected), abs=1e-12)
    single = Rdms(rdms.values[:4], rdms.image_ids, tuple("abcd"), ATTRIBUTES)
    assert "session_reliability" not in set(ceilings_table({"made": single}, 100, rng).quantity)


def test_other_recordings_are_joined_by_image(rng):
    truth = rng.standard_normal((10, 20))
    many, one = noisy_subjects(rng, truth, 1), noisy_subjects(rng, truth, 0.3, subjects=1)
    shuffled = one.of_images(tuple(rng.permutation(ids(10))))
    strange = Rdms(one.values, tuple("abcdefghij"), one.subjects, ATTRIBUTES)
    table = ceilings_table({"many": many, "one": shuffled, "strange": strange}, 100, rng)
    other = table[table.quantity == "other_rdm"].set_index("rdm")
    assert other.other.to_dict() == {"many": "one", "one": "many"}
    mean = one.by_subject()[1][0]
    expected = np.mean([spearmanr(subject, mean)[0] for subject in many.by_subject()[1]])
    assert other.rho["many"] == pytest.approx(expected, abs=1e-12)
    expected = spearmanr(mean, many.by_subject()[1].mean(0))[0]
    assert other.rho["one"] == pytest.approx(expected, abs=1e-12)
    assert (other.rho_low < other.rho).all() and (other.rho < other.rho_high).all()


def test_script_joins_tables(rng, tmp_path):
    rdms = {"a": noisy_subjects(rng, rng.standard_normal((10, 20)), 1)}
    store.write_rdms(tmp_path / "a.h5", rdms["a"])
    models = tmp_path / "models.parquet"
    known = DESCRIPTION | {"weights": "w"}
    rows = [known | {"model": m, "top1": t} for m, t in (("x", 70.0), ("y", 71.0))]
    store.write_table(models, pd.DataFrame(rows))
    paths = []
    for k, name in enumerate(("x", "y")):
        paths.append(tmp_path / f"{name}.parquet")
        row = {"rdm": "a", "model": name, "weights": "w", "layer": "l", "rho": k / 2}
        store.write_table(paths[-1], pd.DataFrame([row]))
    out = [tmp_path / name for name in ("rsa.parquet", "rsa.csv", "ceilings.parquet")]
    collect_rsa.main(paths, [tmp_path / "a.h5"], models, *out, ["a"], 100, 3)
    table = store.read_table(out[0])
    assert table.top1.tolist() == [70, 71]
    assert table.species.tolist() == ["macaque"] * 2 and table.simulated.all()
    pd.testing.assert_frame_equal(pd.read_csv(out[1]), table, check_dtype=False)
    expected = ceilings_table(rdms, 100, np.random.default_rng(3))
    pd.testing.assert_frame_equal(store.read_table(out[2]), expected)


def test_published_rdms(shared):
    """Pinned: human noise ceiling, sessions, and how alike monkey and human IT are."""
    folder = shared / "data" / "it92_kriegeskorte2008"
    main = folder / "Kriegeskorte_Neuron2008_supplementalData.mat"
    rdms = {
        "monkey": kriegeskorte.read_rdms(main, "RDMs_mIT_hIT_fig1", ["mIT_674neurons"], {}),
        "human": kriegeskorte.read_rdms(folder / "92_brainRDMs.mat", "RDMs", [], {}),
    }
    table = ceilings_table(rdms, 100, np.random.default_rng(0))
    assert value(table, "ceiling_lower") == pytest.approx(0.372, abs=5e-4)
    assert value(table, "ceiling_upper") == pytest.approx(0.666, abs=5e-4)
    assert value(table, "session_reliability") == pytest.approx(0.219, abs=5e-4)
    assert value(table, "other_rdm", "monkey") == pytest.approx(0.439, abs=5e-4)
    assert value(table, "other_rdm", "human") == pytest.approx(0.296, abs=5e-4)
    assert set(table[table.rdm == "monkey"].quantity) == {"other_rdm"}
