"""make harmonizer-study varies one factor at a time around the demo's training, and says which."""

import json
from pathlib import Path

import pytest

from itcortex.simulation import digits
from itcortex.training.recipe import Recipe, recipe_of
from itcortex.workflow import model_table, schemas, trainings
from itcortex.workflow.defaults import with_defaults

REPOSITORY = Path(__file__).resolve().parents[3]
#: What a factor (column family of the table) may change, by name of the setting.
FACTORS = {
    "share": {"share"},
    "epochs": {"epochs"},
    "side": {"side", "patch", "digit", "input_size"},
    "saliency": {"saliency"},
    "start": {"start"},
    "maps": {"maps"},
    "network": {"norm_layer", "act_layer"},
    "shortcut": {"kind"},
}


def merge(under: dict, over: dict) -> dict:
    """As Snakemake merges an overlay."""
    both = dict(under)
    for key, value in over.items():
        inner = isinstance(value, dict) and isinstance(both.get(key), dict)
        both[key] = merge(both[key], value) if inner else value
    return both


def schema(name: str) -> dict:
    """A schema of settings or tables."""
    return schemas.load_yaml(REPOSITORY / "rules" / "schemas" / f"{name}.schema.yaml")


def settings_of(experiment: str) -> dict:
    """Settings of an experiment's file over config.yaml."""
    overlay = schemas.load_yaml(REPOSITORY / "experiments" / f"{experiment}.yaml")
    settings = merge(schemas.load_yaml(REPOSITORY / "config.yaml"), overlay)
    return with_defaults(settings, schema("config"))


@pytest.fixture(scope="module")
def config():
    return settings_of("harmonizer_study")


@pytest.fixture(scope="module")
def rows(config):
    """Rows of the study, before they are written out by strength and seed."""
    return trained_rows(config)


def trained_rows(config: dict) -> list[dict]:
    """Rows whose networks are trained here."""
    named = config["models"]
    paths = [str(REPOSITORY / path) for path in ([named] if isinstance(named, str) else named)]
    table = model_table.read_models(paths, schema("models"))
    return [row for row in table.to_dict("records") if row["source"].startswith("trained:")]


def described(row, config):
    """All that may set a network apart from another, flat."""
    training = config["training"][trainings.trained_by(row["source"])]
    about = config["digits"][training["digits"]]
    look = vars(digits.Settings.of(about["settings"]))
    recipe = Recipe.of(recipe_of(row["model"], training)).asdict()
    network = json.loads(row["arguments"]) | json.loads(row["preprocessing"])
    folder = f"results/data/{training['digits']}"
    assert training["labelled"] == [f"{folder}/train.parquet"] and training["mapped"] == []
    assert training["validation"] == [f"{folder}/validation.parquet"]
    rest = {name: training.get(name) for name in ("start", "seeds")}
    rest |= {name: about[name] for name in ("images", "sites", "repeats", "folds")}
    # the recipe's saliency and the images' maps are the only names that could clash
    assert not set(look) & set(recipe) and not set(network) & (set(look) | set(recipe))
    return look | recipe | network | rest | {"architecture": row["architecture"]}


def test_the_settings_are_valid(config):
    schemas.check(config, schema("config"), "config")
    trainings.check_trainings(config["training"])


def test_a_regime_differs_from_the_demo_in_its_factor_and_in_nothing_else(config, rows):
    base, *others = rows
    assert base["model"] == "digits_resnet" and {row["family"] for row in others} == set(FACTORS)
    wanted = described(base, config)
    for row in others:
        found = described(row, config)
        assert found.keys() - wanted.keys() <= FACTORS["network"]
        differ = {key for key in wanted | found if wanted.get(key) != found.get(key)}
        if row["weights"] == "plain":  # what fine-tuning starts from: the base, not harmonized
            training = config["training"][trainings.trained_by(row["source"])]
            assert not differ and training["strengths"] == [0]
        else:
            assert differ == FACTORS[row["family"]], row["model"]
            assert row["model"].startswith(f"{row['family']}_")


def test_lengths_are_in_proportion_where_the_side_changes(config):
    small, large = (
        config["digits"][name]["settings"]
        for name in ("digits_simulated", "digits_side_48_simulated")
    )
    for name in ("side", "patch"):
        assert large[name] == 1.5 * small[name]
    assert large["digit"] == [1.5 * side for side in small["digit"]]


# --- the search -----------------------------------------------------------------------------------


def test_the_search_has_eighty_regimes_and_the_studys_base_among_them(config, rows):
    search = settings_of("harmonizer_search")
    schemas.check(search, schema("config"), "config")
    trainings.check_trainings(search["training"])
    regimes = {}
    for row in trained_rows(search):
        training = search["training"][trainings.trained_by(row["source"])]
        assert (training["strengths"], training["seeds"]) == ([0, 1], [0])
        assert row["source"] == f"trained:search_{row['weights']}"
        recipe = Recipe.of(recipe_of(row["model"], training))
        network = (row["architecture"], row["arguments"], row["preprocessing"])
        regimes[row["model"], row["weights"]] = recipe, network
    assert len(regimes) == len(set(regimes.values())) == 80
    base = rows[0]
    network = (base["architecture"], base["arguments"], base["preprocessing"])
    recipe = Recipe.of(config["training"]["digits"]["recipe"])
    assert regimes["silu_group", "max_abs_6_middle"] == (recipe, network)


def test_the_search_looks_at_digits_like_the_studys_that_are_drawn_apart(config):
    search = settings_of("harmonizer_search")
    (name,) = {one["digits"] for key, one in search["training"].items() if "search" in key}
    ours, studys = search["digits"][name], config["digits"]["digits_simulated"]
    different = {key for key in studys if studys[key] != ours[key]}
    assert name == "digits_search_simulated" and different == {"recording"}
    assert search["seed"] != config["seed"]
