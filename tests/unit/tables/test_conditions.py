"""What human maps change: planted effects are found, equal networks differ by nothing, coverage."""

import json

import numpy as np
import pandas as pd
import pytest
from scipy import stats

import compare_conditions
from itcortex import store
from itcortex.errors import UserError
from itcortex.tables import condition_words, dictionary
from itcortex.tables.condition_contrasts import are_harmonized, contrasts
from itcortex.tables.condition_marks import Mark, marks
from itcortex.tables.condition_measures import OF_SITES, of_answers
from itcortex.tables.condition_scores import Drawn, MeanOf, OfPhotographs
from itcortex.tables.conditions import OF_SEEDS, conditions_tables, seed_error
from itcortex.tables.statistics import WITH_HARMONIZED, groups
from made import conditions as made

DRAWS = 200
CONTRASTS = [("human", "none"), ("of_others", "none"), ("mean", "none"), ("human", "of_others"),
             ("human", "mean")]  # fmt: skip


def compared(models, measures, rng, **more) -> pd.DataFrame:
    """The table of made measures."""
    return conditions_tables(measures, contrasts(models), DRAWS, rng, **more).conditions


def row(table, condition="human", compared_with="none", model="") -> pd.Series:
    """The one row of a contrast."""
    chosen = (table["condition"] == condition) & (table["compared_with"] == compared_with)
    (found,) = table[chosen & (table["model"] == model)].to_dict("records")
    return pd.Series(found)


def alone(models, values) -> Drawn:
    """A measure without draws: `values` by (model, condition, seed)."""
    keys = zip(models["model"], models["condition"], models["seed"], strict=True)
    of = {made.name(one): values[key] for one, key in zip(models.to_dict("records"), keys, strict=True)
          if key in values}  # fmt: skip
    return Drawn({"measure": "agreement"}, of, dict.fromkeys(of, np.empty(0)))


# --- what is compared -----------------------------------------------------------------------------


def test_every_condition_is_compared_with_strength_0_of_its_seed_and_human_maps_with_controls():
    found = contrasts(made.models(("a", "b")))
    assert [one.key for one in found] == 2 * CONTRASTS
    assert [one.model for one in found] == 5 * ["a"] + 5 * ["b"]
    human, *_, minus_mean = found[:5]
    assert human.pairs[1] == (1, "a human/strength-1/seed-1", "a human/strength-0/seed-1")
    assert minus_mean.pairs[2] == (2, "a human/strength-1/seed-2", "a mean/strength-1/seed-2")
    assert contrasts(made.models(conditions=())) == []


def test_two_networks_of_one_condition_strength_and_seed_are_no_two_seeds():
    models = made.models()
    of_others = models["condition"] == "of_others"
    message = (
        "net human/strength-1/seed-0 and net of_others/strength-1/seed-0 are both of condition 'human', "
        "strength 1 and seed 0; give each its own condition"
    )
    with pytest.raises(UserError, match=message):
        contrasts(models.assign(condition=models["condition"].mask(of_others, "human")))


def at_strengths(*strengths, names=("net",), seeds=(0, 1)):
    """Models with human maps at several strengths, and a score that is the strength."""
    rows = [
        made.models(names, seeds=seeds, conditions=("human",), strength=one) for one in strengths
    ]
    models = pd.concat(rows, ignore_index=True).drop_duplicates(["model", "weights"])
    values = {made.name(one): float(one["strength"]) for one in models.to_dict("records")}
    draws = {name: np.full(DRAWS, value) for name, value in values.items()}
    return models, Drawn({"measure": "r"}, values, draws)


def test_every_strength_has_its_contrasts_in_models_and_over_them(rng):
    models, measure = at_strengths(0.3, 1.0, 3.0, names=("a", "b"), seeds=(0,))
    table = compared(models, [measure], rng)
    for model in ("a", "b", ""):
        rows = table[table["model"] == model].set_index("strength")
        assert rows["difference"].to_dict() == {0.3: 0.3, 1.0: 1.0, 3.0: 3.0}
        assert rows["main_strength"].all()  # all have one condition and one seed


def test_further_strengths_of_one_seed_are_a_curve_beside_the_main_one(rng):
    models, measure = at_strengths(1.0, seeds=(0, 1))
    curve, values = at_strengths(10.0, seeds=(0,))
    models = pd.concat([models, curve[curve["strength"] == 10.0]], ignore_index=True)
    both = Drawn(measure.about, measure.values | values.values, measure.drawn | values.drawn)
    table = compared(models, [both], rng)
    for model in ("net", ""):
        human = table[table["model"] == model].set_index("strength")
        assert human["difference"].to_dict() == {1.0: 1.0, 10.0: 10.0}
        assert human["main_strength"].to_dict() == {1.0: True, 10.0: False}
        assert human["n_seeds"].to_dict() == {1.0: 2, 10.0: 1}


def test_models_with_main_strengths_of_their_own_have_one_more_mean(rng):
    (a, of_a), (b, of_b) = at_strengths(1.0, names=("a",)), at_strengths(3.0, names=("b",))
    both = Drawn(of_a.about, of_a.values | of_b.values, of_a.drawn | of_b.drawn)
    table = compared(pd.concat([a, b], ignore_index=True), [both], rng)
    over = table[table["model"] == ""].set_index("strength")
    assert over["main_strength"].tolist() == [False, False, True]
    assert over["difference"].tolist() == [1, 3, 2] and over["n_models"].tolist() == [1, 1, 2]
    assert np.isnan(over.index[2])


# --- planted effects ------------------------------------------------------------------------------


def test_human_maps_that_help_and_others_that_do_not_are_told_apart(rng):
    models = made.models(("a", "b", "c"))
    sites = made.sites(models, {"human": 0.1}, rng, own=0.02, of_seeds=0.005)
    table = compared(models, [made.measure(sites)], rng)
    assert len(table) == 5 * 4
    for key, expected in zip(CONTRASTS, (0.1, 0, 0, 0.1, 0.1), strict=True):
        found = row(table, *key)
        assert found["difference"] == pytest.approx(expected, abs=0.02)
        assert found["low"] < found["difference"] < found["high"]
        assert (found["low"] > 0) == (expected > 0) and (found["p"] < 0.05) == (expected > 0)
        assert found["n_models"] == 3 and found["n_seeds"] == 9
        assert found["drawn"] == "folds, sites, seeds"
        assert found["note"] == "mean over 3 models, which are not drawn"
        by_model = [row(table, *key, model)["difference"] for model in "abc"]
        assert found["difference"] == pytest.approx(np.mean(by_model))


def test_maps_that_help_equally_are_said_to(rng):
    models = made.models(("a", "b", "c"))
    equal = dict.fromkeys(made.CONDITIONS, 0.1)
    table = compared(models, [made.measure(made.sites(models, equal, rng, of_seeds=0.005))], rng)
    assert all(row(table, condition)["low"] > 0 for condition in made.CONDITIONS)
    for control in ("of_others", "mean"):
        found = row(table, "human", control)
        assert found["low"] < 0 < found["high"] and found["p"] > 0.05


def test_the_same_network_under_two_conditions_differs_by_nothing(rng):
    models = made.models()
    sites = made.sites(models, {}, rng)
    place = {name: k for k, name in enumerate(sites.names)}
    for seed in range(3):
        first, other = (place[f"net {made.weights(c, seed)}"] for c in ("human", "mean"))
        sites.r[other] = sites.r[first]
    answers = alone(models, {("net", c, s): 0.9 for c in ("human", "mean") for s in range(3)})
    table = compared(models, [made.measure(sites), answers], rng)
    for found in table[(table["compared_with"] == "mean")].to_dict("records"):
        assert [found[name] for name in ("difference", "low", "high", "p")] == [0, 0, 0, 1]


# --- intervals ------------------------------------------------------------------------------------


@pytest.mark.long
@pytest.mark.parametrize(
    ("names", "noise"),
    [
        (("a",), {"of_seeds": 0.05}),
        (("a",), {"of_condition": 0.1, "of_seeds": 0.02}),
        (("a", "b", "c"), {"of_seeds": 0.05}),
    ],
)
def test_intervals_hold_the_truth_as_often_as_they_say(names, noise):
    """Of 50 made experiments; 47.5 are expected, fewer than 43 in less than 2 % of cases."""
    held = np.zeros(2, int)
    models = made.models(names)
    for seed in range(50):
        rng = np.random.default_rng(seed)
        sites = made.sites(models, {"human": 0.03}, rng, draws=100, **noise)
        measure = made.measure(sites, draws=100, rng=rng)
        table = conditions_tables([measure], contrasts(models), 100, rng).conditions
        for k, control in enumerate(("none", "mean")):
            found = row(table, "human", control)
            held[k] += found["low"] <= 0.03 <= found["high"]
    assert held.min() >= 43


def test_seeds_enter_the_interval(rng):
    models = made.models()
    narrow, wide = (
        row(compared(models, [made.measure(made.sites(models, {}, one, of_seeds=sd))], one))
        for one, sd in ((np.random.default_rng(3), 0.0), (np.random.default_rng(3), 0.05))
    )
    assert wide["high"] - wide["low"] > 3 * (narrow["high"] - narrow["low"])


def test_every_pair_of_a_mean_has_its_row_among_seeds(rng):
    models = made.models(("a", "b"))
    measures = [made.measure(made.sites(models, {"human": 0.1}, rng, of_seeds=0.02)), alone(
        models, {(m, c, s): 0.1 * s for m in "ab" for c in ("none", "human") for s in (0, 2)}
    )]  # fmt: skip
    table, seeds = conditions_tables(measures, contrasts(models), DRAWS, rng)
    assert list(seeds) == OF_SEEDS and dictionary.differences("condition_seeds", seeds) == []
    assert (
        len(seeds) == 2 * 5 * 3 + 2 * 2
    )  # models, contrasts, seeds; of the other two seeds, one contrast
    np.testing.assert_allclose(seeds["value"] - seeds["value_other"], seeds["difference"])
    keys = ["measure", "target", "model", "condition", "compared_with", "strength"]
    of_pairs = seeds.groupby(keys)["difference"].agg(["mean", "min", "max", "size"])
    rows = table[(table["model"] != "") & table["difference"].notna()].set_index(keys)
    rows = rows.loc[of_pairs.index, ["difference", "lowest_seed", "highest_seed", "n_seeds"]]
    np.testing.assert_allclose(of_pairs, rows.to_numpy(float))


def test_an_interval_of_seeds_alone_is_students(rng):
    models = made.models()
    values = {("net", "human", s): v for s, v in enumerate((0.7, 0.8, 0.75))}
    values |= {("net", "none", s): 0.9 for s in range(3)}
    found = row(conditions_tables([alone(models, values)], contrasts(models), 5000, rng).conditions)
    differences = np.array([-0.2, -0.1, -0.15])
    expected = stats.t.interval(0.95, 2, differences.mean(), stats.sem(differences))
    assert found["difference"] == pytest.approx(-0.15)
    np.testing.assert_allclose([found["low"], found["high"]], expected, rtol=0.02)  # of draws
    assert [found["lowest_seed"], found["highest_seed"]] == pytest.approx([-0.2, -0.1])
    assert found["drawn"] == "seeds"


def test_the_error_over_models_is_welchs():
    groups = [np.array([1.0, 2.0, 4.0]), np.array([0.0, 0.1, 0.3, 0.2])]
    error, freedom = seed_error(groups)
    welch = stats.ttest_ind(*groups, equal_var=False)  # of a difference: the same error, times two
    assert freedom == pytest.approx(welch.df)
    assert error == pytest.approx((groups[0].mean() - groups[1].mean()) / welch.statistic / 2)
    assert seed_error([np.array([1.0])]) == (0.0, np.inf)
    assert seed_error([groups[0], np.array([5.0])])[1] == pytest.approx(2)


# --- what is missing ------------------------------------------------------------------------------


def test_a_network_without_its_baseline_and_one_seed_alone_are_said(rng):
    models = made.models(("a", "b"))
    sites = made.sites(models, {}, rng)
    gone = {"a human/strength-0/seed-2", *(f"b human/strength-0/seed-{k}" for k in range(3)),
            "b mean/strength-1/seed-0", "b mean/strength-1/seed-1"}  # fmt: skip
    whole = made.measure(sites)
    kept = {name: value for name, value in whole.values.items() if name not in gone}
    table = compared(models, [whole.with_values(kept)], rng)
    of_a = row(table, model="a")
    assert of_a["n_seeds"] == 2 and of_a["note"] == "seed 2: strength 0: not scored"
    of_b = row(table, model="b")
    assert np.isnan(of_b["difference"]) and np.isnan(of_b["low"]) and of_b["n_seeds"] == 0
    assert of_b["note"].startswith("seed 0: strength 0: not scored; seed 1:")
    over = row(table)
    assert over["n_models"] == 1 and over["difference"] == of_a["difference"]
    one = row(table, "human", "mean", "b")
    assert one["n_seeds"] == 1 and one["drawn"] == "folds, sites"
    assert "one seed only: the interval does not hold how seeds differ" in one["note"]
    assert np.isfinite([one["low"], one["high"]]).all()
    assert condition_words.interval(one).endswith("] (one seed)")
    assert condition_words.interval(of_a).endswith("]")
    mixed = row(table, "human", "mean")
    assert condition_words.interval(mixed).endswith("] (one seed of some networks)")


def test_a_baseline_that_the_table_lacks_is_none(rng):
    models = made.models(seeds=(0,))
    models = models[models["condition"] != "none"]
    found = row(compared(models, [made.measure(made.sites(models, {}, rng))], rng), model="net")
    assert found["note"] == "seed 0: strength 0: not scored" and np.isnan(found["difference"])


def test_one_seed_and_nothing_drawn_has_no_interval(rng):
    models = made.models(seeds=(0,))
    values = {("net", "human", 0): 0.7, ("net", "none", 0): 0.9}
    found = row(compared(models, [alone(models, values)], rng))
    assert found["difference"] == pytest.approx(-0.2)
    assert np.isnan(found[["low", "high", "p"]].to_numpy(float)).all()


def test_photographs_that_one_of_two_networks_lacks_are_left_out_of_both(rng):
    models = made.models(seeds=(0, 1))
    names = [made.name(one) for one in models.to_dict("records") if one["condition"]]
    base = rng.normal(size=20)
    values = {name: base + 0.1 * name.startswith("net human/strength-1") for name in names}
    values["net human/strength-1/seed-0"] = values["net human/strength-1/seed-0"].copy()
    values["net human/strength-1/seed-0"][:5] = np.nan
    values["net mean/strength-1/seed-1"] = np.full(20, np.nan)
    counts = rng.multinomial(20, np.full(20, 0.05), size=DRAWS)
    table = compared(models, [OfPhotographs({"drawn": "photographs"}, values, counts)], rng)
    found = row(table)
    assert found["difference"] == pytest.approx(0.1) and found["undefined"] == 5
    np.testing.assert_allclose([found["low"], found["high"]], 0.1)
    lost = row(table, "mean")
    assert lost["n_seeds"] == 1 and "seed 1: no score is defined" in lost["note"]


def trained(agreement, alignments, kept_epoch, **more):
    """Notes and history of a training of 30 photographs whose least agreement is .8."""
    recipe = {"kept": "best_alignment", "least_agreement": 0.8}
    note = {"training": {"recipe": recipe}, "results": {"validation_agreement": agreement},
            "before": {"n_validation": 30}, "kept_epoch": kept_epoch}  # fmt: skip
    epochs = range(1, len(alignments) + 1)
    return note | more, pd.DataFrame({"epoch": epochs, "validation_alignment": alignments})


def marked(**trainings):
    """Marks of trainings by the name of their network."""
    notes = {f"net {name}": note for name, (note, _) in trainings.items()}
    return marks(notes, {f"net {name}": history for name, (_, history) in trainings.items()})


def test_a_network_that_collapsed_keeps_its_row_and_is_marked(rng):
    models = made.models()
    name = made.weights("human", 1)
    found = marked(**{name: trained(0.1, [0.2], 1, collapsed=True)})
    table = compared(models, [made.measure(made.sites(models, {}, rng))], rng, marks=found)
    said = "human/strength-1/seed-1 collapsed: it agrees with the network before on 10 % of the held-out"
    assert said in row(table, model="net")["note"] and said in row(table)["note"]
    assert "collapsed" not in row(table, "mean")["note"] and row(table)["n_at_floor"] == 0
    counts = ["n_collapsed", "n_collapsed_other"]
    for model in ("net", ""):
        assert row(table, model=model)[counts].tolist() == [1, 0]
        assert row(table, "human", "mean", model)[counts].tolist() == [1, 0]
        assert row(table, "mean", model=model)[counts].tolist() == [0, 0]
    other = marked(**{made.weights("mean", 1): trained(0.1, [0.2], 1, collapsed=True)})
    table = compared(models, [made.measure(made.sites(models, {}, rng))], rng, marks=other)
    assert row(table, "human", "mean")[counts].tolist() == [0, 1]


def test_trainings_at_the_least_agreement_are_marked_and_counted(rng):
    decided, near = trained(0.83, [0.2, 0.3, 0.4], 2), trained(0.8333, [0.2, 0.3], 2)
    free, first = trained(0.87, [0.2, 0.3], 2), trained(0.9, [0.3, 0.2], 1)
    found = marked(decided=decided, near=near, free=free, first=first)
    assert found == {
        "net decided": Mark("decided is of epoch 2, with an agreement of 83 %, as epoch 3 was below the "
                            "least agreement of 80 %", at_floor=True),
        "net near": Mark("near is at the least agreement of 80 %: 83 %", at_floor=True),
    }  # fmt: skip
    assert marked(last=({"results": {}, "training": {"recipe": {"kept": "last"}}}, None)) == {}
    models = made.models()
    names = {made.weights("human", seed): near for seed in (0, 2)}
    table = compared(
        models, [made.measure(made.sites(models, {}, rng))], rng, marks=marked(**names)
    )
    for model in ("net", ""):
        assert (
            row(table, model=model)["n_at_floor"] == row(table, "human", "mean")["n_at_floor"] == 2
        )
        assert row(table, "mean", model=model)["n_at_floor"] == 0
    assert "human/strength-1/seed-2 is at the least agreement" in row(table)["note"]


def test_photographs_of_answers_are_drawn(rng):
    """Ten of twenty photographs lost their class in every network: seeds agree, photographs do not."""
    models = made.models()
    rows = [
        {"model": one["model"], "weights": one["weights"], "image": f"{i}.jpg",
         "same": float(i >= 10 or one["condition"] != "human"),
         "divergence": 0.1 * (one["condition"] == "human")}
        for one in models.to_dict("records") if one["condition"] for i in range(20)
    ]  # fmt: skip
    measures = [*of_answers(pd.DataFrame(rows), DRAWS, rng)]
    assert measures[0].counts is measures[1].counts
    table = compared(models, measures, rng)
    agreement, divergence = (
        row(table[table["measure"] == name]) for name in ("agreement", "divergence")
    )
    assert agreement["difference"] == -0.5 and agreement["drawn"] == "photographs, seeds"
    assert agreement["low"] == pytest.approx(-0.72, abs=0.08)  # of a binomial with n = 20
    assert agreement["high"] == pytest.approx(-0.28, abs=0.08) and agreement["n_images"] == 20
    np.testing.assert_allclose(divergence[["low", "high"]].to_numpy(float), 0.1)


def test_photographs_of_one_name_are_several(rng):
    """Two files of images may both begin at row 0."""
    rows = [
        {"model": "net", "weights": weights, "image": image, "same": same, "divergence": 0.0}
        for weights, lost in (("a", 0.0), ("b", 1.0))
        for image, same in (("0.parquet:0", 1.0), ("0.parquet:0", lost), ("0.parquet:1", 1.0))
    ]
    agreement, _ = of_answers(pd.DataFrame(rows), DRAWS, rng)
    found = agreement.compare("net a", "net b")
    assert agreement.about["n_images"] == 3 and found.difference == pytest.approx(-1 / 3)


def test_the_mean_of_recordings_draws_each_for_itself(rng):
    models = made.models()
    parts = [made.measure(made.sites(models, {"human": 0.1}, rng)) for _ in range(2)]
    table = compared(models, [*parts, MeanOf({"measure": "r", "target": "V4", "n_targets": 2}, parts)],
                     rng)  # fmt: skip
    first, second, both = (table[table["target"] == name] for name in ("v4", "v4", "V4"))
    found = row(both)
    means = table[(table["model"] == "") & (table["target"] == "v4")]
    human = means[(means["condition"] == "human") & (means["compared_with"] == "none")]
    assert found["difference"] == pytest.approx(human["difference"].mean())
    assert found["high"] - found["low"] < (human["high"] - human["low"]).mean()
    assert found["n_targets"] == 2 and (first["n_targets"] == 1).all() and len(second)


# --- the script -----------------------------------------------------------------------------------


def encoding_rows(models, recording, rng) -> dict[str, pd.DataFrame]:
    """Raw scores of every trained network on a made recording, by network."""
    sites = made.sites(models, {"human": 0.1}, rng, shape=(4, 6))
    found = {}
    for name, r in zip(sites.names, sites.r, strict=True):
        model, _, weights = name.partition(" ")
        rows = [
            {"recording": recording, "mapping": "pls", "protocol": "corrected", "model": model,
             "weights": weights, "fold": f"f{i}", "site": f"s{j}", "r": r[i, j], "control": "none",
             "main_window": True, "layer": layer, "chosen": layer == "early"}
            | ({"r of disc": r[i, j] / 2} if recording == "v4_a" else {})
            for layer in ("early", "late") for i in range(r.shape[0]) for j in range(r.shape[1])
        ]  # fmt: skip
        found[name] = pd.DataFrame(rows)
    return found


@pytest.mark.long
def with_search(models):
    """A table of models with a study of many recipes and one condition, which is not compared here."""
    search = made.models(("digits",), conditions=("human",))
    return pd.concat([models, search, search.assign(weights=search["weights"] + "x")])


def test_the_script_compares_everything_that_there_is(rng, tmp_path):
    models = made.models()
    store.write_table(tmp_path / "models.parquet", with_search(models))
    test = {"mapping": "pls", "protocol": "corrected", "main_window": True, "control": "none"}
    summary = [test | {"recording": name, "area": "V4", "ceiling": ceiling}
               for name, ceiling in (("v4_a", 0.5), ("v4_b", np.nan))]  # fmt: skip
    store.write_table(tmp_path / "summary.parquet", pd.DataFrame(summary))
    kinds = ("encoding", "rsa", "resampled", "attention", "answers", "notes", "histories")
    files = {name: [] for name in kinds}
    by_recording = {name: encoding_rows(models, name, rng) for name in ("v4_a", "v4_b")}
    names = list(by_recording["v4_a"])
    for k, name in enumerate(names):
        model, _, weights = name.partition(" ")
        told = {"model": model, "weights": weights}

        def write(kind, table, k=k, part=""):
            files[kind].append(tmp_path / f"{kind}{part}{k}.parquet")
            store.write_table(files[kind][-1], table)

        for recording, rows in by_recording.items():
            write("encoding", rows[name], part=recording)
        rdm = told | {"rdm": "it", "pattern": "map"}
        layers = pd.DataFrame([rdm | {"final": final, "rho_chosen_held_out": 0.3, "n_images": 92}
                               for final in (False, True)])  # fmt: skip
        write("rsa", layers)
        write("resampled", pd.DataFrame({"draw": range(50), "rho": 0.3}).assign(**rdm))
        attention = [
            told | {"attention": "osie", "image": f"{i}.jpg", "map_kind": kind, "saliency": saliency,
                    "control": control, "rho": i / 10 + 0.2 * ("human/strength-1" in weights),
                    "rho_partial": 0.1}
            for i in range(5) for kind in ("eye", "mouse") for saliency in ("raw", "covering")
            for control in ("none", "shuffled_images")
        ]  # fmt: skip
        write("attention", pd.DataFrame(attention))
        answers = [told | {"image": f"{i}.jpg", "same": i > 0, "divergence": 0.2} for i in range(5)]
        write("answers", pd.DataFrame(answers).astype({"same": float}))
        files["notes"].append(tmp_path / f"{k}.json")
        note, history = trained(0.8, [0.2, 0.3], 2)
        files["notes"][-1].write_text(json.dumps(note))
        write("histories", history)
    out = [tmp_path / f"conditions.{kind}" for kind in ("parquet", "csv", "seeds.parquet", "md")]
    compare_conditions.main(
        *files.values(), tmp_path / "models.parquet", tmp_path / "summary.parquet", *out,
        trained=names, pattern="map", mapping="pls", draws=50, seed=1,
    )  # fmt: skip
    table = store.read_table(out[0])
    assert [
        dictionary.differences(name, store.read_table(path))
        for name, path in (("conditions", out[0]), ("condition_seeds", out[2]))
    ] == [[], []]
    assert len(pd.read_csv(out[1])) == len(table)
    human = table[(table["model"] == "") & (table["condition"] == "human")]
    human = human[human["compared_with"] == "none"]
    told = ["measure", "target", "map_kind", "saliency"]
    assert human[told].apply(tuple, axis=1).tolist() == [
        *((measure, "v4_a", "", "") for measure in OF_SITES),
        *((measure, "v4_b", "", "") for measure in ("r", "r_same_layer", "r_median")),
        *((measure, "V4", "", "") for measure in ("r", "r_same_layer", "r_within_kinds", "r_median")),
        ("rsa", "it", "", ""),
        *((measure, "osie", kind, saliency) for kind in ("eye", "mouse")
          for saliency in ("raw", "covering") for measure in ("attention", "attention_partial")),
        ("agreement", "", "", ""), ("divergence", "", "", ""),
    ]  # fmt: skip
    of = human.set_index(["measure", "target"])["difference"]
    assert of["r_over_ceiling", "v4_a"].item() == pytest.approx(2 * of["r", "v4_a"].item())
    assert of["r", "V4"].item() == pytest.approx(
        (of["r", "v4_a"].item() + of["r", "v4_b"].item()) / 2
    )
    assert of["r_within_kinds", "v4_a"].item() == pytest.approx(of["r", "v4_a"].item() / 2)
    assert of["r_within_kinds", "V4"].item() == pytest.approx(
        (of["r", "v4_a"].item() / 2 + of["r", "v4_b"].item()) / 2
    )
    assert human.set_index("measure")["sites_higher"]["r"].tolist() == [1, 1, 1]
    np.testing.assert_allclose(of["attention", "osie"], 0.2)
    np.testing.assert_allclose(of["rsa", "it"], 0)
    said = out[3].read_text(encoding="utf-8")
    assert said.count("\n- ") + 1 == 4 + 1 + 2 * 2 * 2 + 2 + 2  # V4, RDMs, people, answers, numbers
    assert (
        "above it (strength 1): 3 of 3 trainings with human maps (mean agreement 80 %), 3 of"
        in said
    )
    assert said.startswith("- Human maps (strength 1) change predictivity of V4 (r) by +0.")
    assert (
        "\n\nIn a cell: V4 (strength 1): human maps raise it beyond strength 0 and beyond" in said
    )
    assert human["drawn"].unique().tolist() == ["folds, sites, seeds", "images, seeds",
                                                "photographs, seeds"]  # fmt: skip


def test_the_script_needs_one_measure_alone(tmp_path):
    """Agreement with people, without recordings (and their summary), RDMs and answers."""
    models = made.models()
    store.write_table(tmp_path / "models.parquet", models)
    names = [made.name(one) for one in models[models["condition"] != ""].to_dict("records")]
    files = {kind: [] for kind in ("attention", "notes", "histories")}
    note, history = trained(0.9, [0.2, 0.3], 2)
    for k, name in enumerate(names):
        for kind, found in files.items():
            found.append(tmp_path / f"{kind}{k}.{'json' if kind == 'notes' else 'parquet'}")
        model, _, weights = name.partition(" ")
        told = {"model": model, "weights": weights, "attention": "osie", "map_kind": "eye",
                "saliency": "raw", "control": "none", "rho_partial": 0.1,
                "rho": 0.3 if "human/strength-1" in weights else 0.1}  # fmt: skip
        table = pd.DataFrame([told | {"image": f"{i}.jpg"} for i in range(5)])
        store.write_table(files["attention"][-1], table)
        files["notes"][-1].write_text(json.dumps(note))
        store.write_table(files["histories"][-1], history)
    out = [tmp_path / f"conditions.{kind}" for kind in ("parquet", "csv", "seeds", "md")]
    compare_conditions.main(
        [], [], [], files["attention"], [], files["notes"], files["histories"],
        tmp_path / "models.parquet", [], *out, trained=names, pattern="map", mapping="pls", draws=50,
        seed=1,
    )  # fmt: skip
    table = store.read_table(out[0])
    assert set(table["measure"]) == {"attention", "attention_partial"}
    text = out[3].read_text(encoding="utf-8")
    assert (
        "In a cell: the agreement of the gradient with people (eye, ρ) (strength 1): human" in text
    )


def test_controls_are_no_harmonized_networks_anywhere():
    table = pd.DataFrame({"category": ["cnn", *["harmonized"] * 3, "untrained"]})
    assert are_harmonized(table).tolist() == [False, True, True, True, False]
    told = table.assign(condition=["none", "human", "of_others", "mean", ""])
    assert are_harmonized(told).tolist() == [False, True, False, False, False]
    of_test = told.assign(control="none", main_window=True)
    assert dict(groups(of_test))[WITH_HARMONIZED]["condition"].tolist() == ["none", "human"]
