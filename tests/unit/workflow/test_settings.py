"""Bad settings stop with the key, the value and the nearest valid names."""

import copy
from functools import cache
from pathlib import Path

import pytest
import yaml

from itcortex.data.registry import check_references, expand_registry
from itcortex.errors import UserError, nearest
from itcortex.workflow import model_table, schemas, settings
from itcortex.workflow.defaults import with_defaults
from itcortex.workflow.folds import folds_of, label_of, written_out

ROOT = Path(__file__).resolve().parents[3]

REPOSITORY = Path(__file__).resolve().parents[3]
SCHEMAS = REPOSITORY / "rules" / "schemas"


@cache
def loaded(path):
    """A YAML file, read once."""
    return schemas.load_yaml(path)


def schema(name):
    return copy.deepcopy(loaded(SCHEMAS / f"{name}.schema.yaml"))


@pytest.fixture
def config():
    settings = copy.deepcopy(loaded(REPOSITORY / "config.yaml"))
    return with_defaults(settings, schema("config"))


@pytest.fixture
def registry():
    return copy.deepcopy(loaded(REPOSITORY / "experiments" / "datasets.yaml"))


@pytest.fixture
def models():
    return model_table.read_models(REPOSITORY / "experiments" / "models.csv", schema("models"))


@pytest.mark.network
def test_the_projects_own_settings_are_valid(config, registry, models, monkeypatch, tmp_path):
    monkeypatch.chdir(tmp_path)
    schemas.check(config, schema("config"), "config")
    schemas.check(registry, schema("datasets"), "registry")
    check_references(expand_registry(registry), "registry")
    settings.check_experiment(config, registry, models)
    assert set(models["category"]) == {"cnn", "untrained"}


def test_every_key_of_every_schema_is_described():
    def undescribed(node, path):
        for name, child in node.get("properties", {}).items():
            if "description" not in child:
                yield f"{path}/{name}"
            yield from undescribed(child, f"{path}/{name}")
        for key in ("additionalProperties", "items"):
            if isinstance(node.get(key), dict):
                yield from undescribed(node[key], f"{path}/*")

    for name in ("config", "models", "datasets"):
        assert list(undescribed(schema(name), name)) == []


def test_schemas_refuse_unknown_keys_everywhere():
    def open_objects(node, path):
        closed = node.get("additionalProperties", True) is not True
        if node.get("type") == "object" and "properties" in node and not closed:
            yield path
        for name, child in node.get("properties", {}).items():
            yield from open_objects(child, f"{path}/{name}")

    for name in ("config", "models", "datasets"):
        assert list(open_objects(schema(name), name)) == []


@pytest.mark.parametrize(
    ("path", "value", "message"),
    [
        (["encodng"], {}, r"unknown key 'encodng'; did you mean 'encoding'"),
        (["encoding", "component"], 5, r"encoding: unknown key 'component'.*'components'"),
        (["encoding", "components"], 0, r"encoding: components: 0 is less than the minimum of 1"),
        (["encoding", "components"], "x", r"encoding: components: 'x' is not of type 'integer'"),
        (
            ["encoding", "mappings"],
            ["plss"],
            r"mappings: 0: 'plss' is not a choice; did you mean 'pls'",
        ),
        (["experiment"], "a b; rm", r"experiment: 'a b; rm' is not allowed"),
        (["experiment"], "weights", r"experiment: "),
        (["device"], "gpu", r"device: 'gpu'"),
        (
            ["encoding", "folds"],
            "5",
            r"encoding: folds: '5' is none of what is valid: 'image'; a whole number of at least 3",
        ),
        (
            ["encoding", "folds"],
            2,
            r"folds: 2 is none of .*: 'image'; a whole number of at least 3",
        ),
        (
            ["encoding", "folds"],
            {"kind": "splt", "name": "a"},
            r"folds: kind: 'splt' is not a choice; did you mean 'split'",
        ),
        (["encoding", "folds"], {"kind": "split"}, r"folds: .* the keys 'name'"),
        (["encoding", "folds"], {"kind": "far", "k": 5}, r"folds: .*'kind' or 'share'"),
        (
            ["encoding", "folds"],
            {"kind": "clusters", "k": 2},
            r"folds: k: 2 is less than the minimum",
        ),
        (["encoding", "folds"], {"v4": 5}, r"folds: 'default' is a required property"),
        (["encoding", "folds"], {"default": 5, "v4": 2}, r"folds: v4: 2 is none of what is"),
        (["models"], 5, r"models: 5 is none of what is valid: text; a list"),
        (["models"], ["a", 5], r"models: 1: 5 is not of type 'string'"),
        (
            ["ceiling", "name"],
            {"default": "splt_half"},
            r"default: 'splt_half' is not a choice; did",
        ),
        (["ceiling", "name"], 3, r"ceiling: name: 3 is none of what is valid: 'population' or "),
        (["recordings"], ["a", "a"], r"recordings: "),
        (["attention", "sigma_px"], "2e1", r"sigma_px: '2e1' is not .*: write 20\.0"),
        (["attention", "sigma_px"], float("nan"), r"sigma_px: nan is not a finite number"),
        (["multiverse", "ranges"], [60, float("nan")], r"ranges: 1: nan is not a finite number"),
        (
            ["encoding", "splits"],
            [{"kind": "cluster"}],
            r"splits: 0: kind: 'cluster' is not a choice; did you mean 'clusters'",
        ),
        (
            ["encoding", "splits"],
            [{"kind": "clusters", "share": 0.2}],
            r"splits: 0: .* a mapping with no keys but 'kind' or 'k'",
        ),
        (["encoding", "splits"], [{"kind": "far", "share": 1.5}], r"splits: 0: share: 1\.5 is "),
        (
            ["encoding", "splits"],
            ["farther"],
            r"'farther' is none of what is valid: 'clusters' or 'far'; 'image'; a whole number of at "
            "least 3; a mapping",
        ),
    ],
)
def test_faults_name_key_value_and_remedy(config, path, value, message):
    node = config
    for key in path[:-1]:
        node = node[key]
    node[path[-1]] = value
    with pytest.raises(UserError, match=message):
        schemas.check(config, schema("config"), "config")


def test_recordings_of_an_experiment_are_ceilings_by_name(config):
    known = settings.with_recordings(schema("config"), config)
    assert config["recordings"][0] == "sim_m1_pl"
    for name in ("recording:sim_m1_pl", {"default": "truth", "sim_m1_ml": "recording:sim_m1_pl"}):
        config["ceiling"]["name"] = name
        schemas.check(config, known, "config")
    config["ceiling"]["name"] = {"default": "recording:sim_m3_pl"}
    own = config | {"recordings": ["sim_m1_pl", {"name": "mine"}]}
    own |= {"ceiling": config["ceiling"] | {"name": "recording:mine"}}
    choices = settings.with_recordings(schema("config"), own)["$defs"]["ceiling"]["enum"]
    assert choices[-2:] == ["recording:sim_m1_pl", "recording:mine"]
    said = r"'recording:sim_m3_pl' is not a choice; did you mean 'recording:sim_m1_pl'"
    with pytest.raises(UserError, match=said):
        schemas.check(config, known, "config")
    schemas.check(config | {"ceiling": {**config["ceiling"], "name": "truth"}},
                  settings.with_recordings(schema("config"), {}), "config")  # fmt: skip


def test_a_sweep_may_be_a_list_of_windows(config):
    config["encoding"]["sweep"] = [[50, 90], [90, 130]]
    schemas.check(config, schema("config"), "config")
    config["encoding"]["sweep"] = [[50, 90, 100]]
    with pytest.raises(UserError, match=r"sweep: 0: \[50, 90, 100\] is too long"):
        schemas.check(config, schema("config"), "config")


@pytest.mark.network
def test_a_recipe_of_a_network_that_nobody_knows_is_refused(config, registry, models):
    """A misspelt name would change nothing, and nobody would see that its recipe was left out."""
    config["training"]["digits"]["recipes"] = {"tf_efficientnet_lite9": {"epochs": 3}}
    said = "training: digits: recipes: model: 'tf_efficientnet_lite9' does not exist; did you mean"
    with pytest.raises(UserError, match=said):
        settings.check_experiment(config, registry, models)


@pytest.mark.parametrize(
    ("key", "value", "message"),
    [
        ("window", {"default": [170, 130]}, r"window: \[170, 130\) ms ends before it begins"),
        ("sweep", [[50, 90], [90, 90]], r"sweep: \[90, 90\) ms ends before it begins"),
    ],
)
def test_windows_begin_before_they_end(config, registry, models, key, value, message):
    config["encoding"][key] = value
    with pytest.raises(UserError, match=message):
        settings.check_experiment(config, registry, models)


def test_a_mirror_is_a_folder_that_is_there_or_an_address(tmp_path):
    """Else a misspelt folder would be no mirror, and its files said to be published nowhere."""
    for mirror in (None, "", str(tmp_path), "https://example.org/mirror"):
        settings.check_mirror(mirror)
    with pytest.raises(UserError, match=r"config: mirror: no folder .*/gone; a path is relative"):
        settings.check_mirror(str(tmp_path / "gone"))


def test_keys_that_exclude_each_other_are_named(registry):
    name = next(
        name for name, one in registry["stimuli"].items() if "blocks" in one.get("kinds", ())
    )
    registry["stimuli"][name]["kinds"]["cluster"] = 2
    with pytest.raises(UserError, match="kinds: give either 'blocks' or 'cluster', not both"):
        schemas.check(registry, schema("datasets"), "registry")


def test_all_faults_are_listed_at_once(config):
    config["sed"] = 1
    config["encoding"]["pool"] = -1
    with pytest.raises(UserError) as caught:
        schemas.check(config, schema("config"), "config")
    assert "unknown key 'sed'; did you mean 'seed'" in str(caught.value)
    assert "encoding: pool: -1 is less than the minimum of 1" in str(caught.value)


@pytest.mark.network
@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda c, m: c.update(recordings=["sim_m1_lp"]), r"recordings: 'sim_m1_lp'.*'sim_m1_pl'"),
        (lambda c, m: c["encoding"]["window"].update(sim_m3=[0, 40]), r"window: 'sim_m3'"),
        (lambda c, m: c["figures"].update(models=["resnet81"]), r"figures: models: 'resnet81'"),
        (lambda c, m: c["simulation"].update(teacher="lite"), r"simulation: teacher: 'lite'"),
        (lambda c, m: c["simulation"].update(teacher_weights="x"), r"teacher_weights: 'x'"),
        (lambda c, m: m.__setitem__("architecture", "resnet8"), r"architecture: 'resnet8'.*resnet"),
    ],
)  # fmt: skip
def test_names_that_no_table_knows(
    config, registry, models, change, message, monkeypatch, tmp_path
):
    monkeypatch.chdir(tmp_path)
    change(config, models)
    with pytest.raises(UserError, match=message):
        settings.check_experiment(config, registry, models)


@pytest.mark.network
def test_a_layer_that_the_model_does_not_have(config, registry, models, monkeypatch, tmp_path):
    monkeypatch.chdir(tmp_path)
    models.loc[3, "layers"] = "blocks.1.0;layer9"
    with pytest.raises(
        UserError, match=r"line 5: mobilenetv3_large_100: layers: 'layer9' does not"
    ):
        settings.check_experiment(config, registry, models)
    registry = copy.deepcopy(registry)
    registry["recordings"]["sim_m1_pl"]["simulation"]["layer"] = "blocks.9"
    models["layers"] = ""
    with pytest.raises(UserError, match=r"simulation: layer: 'blocks.9' does not exist.*blocks"):
        settings.check_experiment(config, registry, models)


def test_an_overlay_must_name_its_experiment(tmp_path):
    path = tmp_path / "mine.yaml"
    path.write_text("seed: 1\n")
    settings.check_overlays([path], {"seed": 1, "experiment": "mine"})
    settings.check_overlays([], {"seed": 1})
    with pytest.raises(
        UserError, match=r"mine.yaml: names no experiment, .* replace those of demo"
    ):
        settings.check_overlays([path], {"seed": 1})
    with pytest.raises(UserError, match=r"none.yaml: cannot be read \(No such file"):
        settings.check_overlays([tmp_path / "none.yaml"], {})


def test_registry_that_refers_to_nothing(registry):
    registry["recordings"]["v4_210325"]["stimuli"] = "v4_images"
    with pytest.raises(UserError, match=r"v4_210325: stimuli: 'v4_images'.*'v4_210325_images'"):
        check_references(expand_registry(registry), "registry")
    registry["recordings"]["v4_210325"]["file"] = "x.npy"
    with pytest.raises(UserError, match=r"v4_210325: file: 'x.npy' does not exist"):
        check_references(expand_registry(registry), "registry")


def test_results_that_cannot_be_written(tmp_path):
    (tmp_path / "results").write_text("a file")
    with pytest.raises(UserError, match="is a file; results need a folder"):
        settings.check_results(tmp_path / "results")
    settings.check_results(tmp_path / "new")  # will be created
    (tmp_path / "link").symlink_to(tmp_path / "gone")
    with pytest.raises(UserError, match=r"link: is a link to .*gone, which is not there"):
        settings.check_results(tmp_path / "link")
    (tmp_path / "gone").mkdir()
    settings.check_results(tmp_path / "link")


def test_results_that_may_not_be_written(tmp_path, monkeypatch):
    monkeypatch.setattr(settings.os, "access", lambda *_: False)  # root may write everywhere
    with pytest.raises(UserError, match=r"not writable; .* a link to a folder where you may write"):
        settings.check_results(tmp_path)


def test_nearest_names():
    assert nearest("sim_m1", ["sim_m1_pl", "v4"]) == "did you mean 'sim_m1_pl'?"
    assert nearest("zzz", ["a", "b"]) == "valid names: 'a', 'b'"
    assert nearest("zzz", [str(k) for k in range(12)]).endswith("and 2 more")


@pytest.mark.parametrize(
    ("change", "place"),
    [
        (lambda c: c["encoding"].update(folds="image"), r"encoding \(v4_210325\): folds: 'image'"),
        (
            lambda c: c["digits"]["digits_simulated"].update(folds="image"),
            r"digits: digits_simulated: folds: 'image'",
        ),
    ],
)
def test_folds_of_one_image_are_refused_where_recordings_have_no_grid(
    config, registry, change, place
):
    config["recordings"] = ["v4_210325"]
    config["encoding"]["folds"] = 10
    settings.check_folds(config, registry)
    change(config)
    with pytest.raises(UserError, match=rf"config: {place} .*'cowley2023' have no grid"):
        settings.check_folds(config, registry)


def test_brainscore_does_not_read_the_folds_and_a_grid_may_leave_out_one_image(config, registry):
    assert config["encoding"]["folds"] == "image"
    settings.check_folds(config, registry)
    config["encoding"]["protocol"] = "brainscore"
    name = next(n for n, e in registry["recordings"].items() if e["format"] == "majajhong2015")
    config["recordings"] = [name]
    settings.check_folds(config, registry)


@pytest.mark.parametrize(
    ("folds", "message"),
    [
        (
            {"kind": "column", "name": "object"},
            r"no column 'object' of the images; did you mean 'ob",
        ),
        (
            {"kind": "split", "name": "split"},
            r"no column 'split' .* valid names: 'object_name', 'c",
        ),
        ({"default": 5, "nobody": 4}, r"config: encoding: folds: 'nobody' does not exist"),
        ({"default": 5, "it": "image"}, r"encoding \(it\): folds: 'image'"),
    ],
)
def test_columns_that_the_images_lack_are_refused_with_those_they_have(
    config, registry, folds, message
):
    entry = next(e for e in registry["recordings"].values() if e["format"] == "majajhong2015")
    registry["recordings"]["it"] = entry
    config["recordings"] = ["it"]
    config["encoding"]["folds"] = {"kind": "column", "name": "object_name"}
    settings.check_folds(config, registry)
    config["encoding"]["folds"] = folds
    with pytest.raises(UserError, match=message):
        settings.check_folds(config, registry)


def test_held_out_values_are_for_mappings_that_fit_and_the_corrected_protocol(config, registry):
    config["recordings"] = ["sim_m1_pl"]
    config["encoding"].update(folds={"kind": "column", "name": "kind"}, mappings=["ridge", "rsa"])
    with pytest.raises(UserError, match="mapping 'rsa' fits nothing"):
        settings.check_folds(config, registry)
    config["encoding"].update(mappings=["ridge"], protocol="reference")
    with pytest.raises(UserError, match="protocol 'reference' divides images in its own way"):
        settings.check_folds(config, registry)
    config["encoding"].update(folds=5)
    config["multiverse"]["variants"] = {"kinds": {"folds": {"kind": "column", "name": "kind"}}}
    with pytest.raises(UserError, match=r"variants: kinds \(sim_m1_pl\): folds: kind: 'column'"):
        settings.check_folds(config, registry)
    config["encoding"].update(protocol="corrected")
    settings.check_folds(config, registry)


def test_folds_that_a_network_makes_are_filled_in_and_named(config, registry, models):
    of_settings = schema("config")
    config["encoding"].update(folds=5, splits=["clusters", {"kind": "far", "share": 0.1}, "far"])
    schemas.check(config, of_settings, "config")
    full = written_out(with_defaults(config, of_settings), of_settings)
    splits = full["encoding"]["splits"]
    assert splits[0] == {"kind": "clusters", "k": 5}
    assert [label_of(one) for one in splits] == ["clusters-5", "far-0.1", "far-0.2"]
    settings.check_folds(full, registry)
    full["encoding"]["divided_by"] = {"model": "resnet5", "weights": "imagenet"}
    with pytest.raises(UserError, match="divided_by: model: 'resnet5' does not exist"):
        settings.check_divided_by(full, models)
    full["encoding"]["splits"] = [5, "image"]
    settings.check_divided_by(full, models)
    for splits, variants, message in (
        ([{"kind": "clusters", "k": 5}] * 2, {}, "'clusters-5' stands twice"),
        ([5], {"5": {"mappings": ["ridge"]}}, "'5' stands twice, or is a name of"),
    ):
        full["encoding"]["splits"], full["multiverse"]["variants"] = splits, variants
        with pytest.raises(UserError, match=message):
            settings.check_folds(full, registry)


def test_pairs_of_networks_are_two_rows_of_the_model_table(models):
    first, second = (models["model"] + " " + models["weights"])[:2]
    settings.check_pairs([[first, second]], models)
    with pytest.raises(UserError, match="statistics: pairs: 'nobody w' does not exist"):
        settings.check_pairs([[first, "nobody w"]], models)
    with pytest.raises(UserError, match="is compared with itself; name two networks"):
        settings.check_pairs([[first, first]], models)
    for twice in ([first, second], [second, first]):
        with pytest.raises(UserError, match="are named twice; name them once"):
            settings.check_pairs([[first, second], twice], models)


def test_concepts_are_of_known_networks_and_recordings_whose_layers_are_kept_as_maps(models):
    first = (models["model"] + " " + models["weights"])[0]
    concepts = {"models": [first], "recordings": ["v4"], "number": 10, "crops": 10}
    config = {"concepts": concepts, "recordings": ["v4", "it"], "reduce": {"kind": "pool"}}
    settings.check_concepts(config, models)
    for changes, message in (
        (
            {"concepts": {"models": ["nobody w"], "recordings": None}},
            "concepts: models: 'nobody w'",
        ),
        ({"concepts": {"models": [first], "recordings": ["v1"]}}, "concepts: recordings: 'v1'"),
        (
            {"reduce": {"kind": "srp"}},
            "concepts are parts of a layer's maps, and reduce: kind: 'srp'",
        ),
        ({"concepts": concepts | {"crops": 9}}, "9 crops are fewer than number: 10 concepts"),
    ):
        with pytest.raises(UserError, match=message):
            settings.check_concepts(config | changes, models)


def test_a_recording_has_its_own_folds_or_the_default():
    setting = {"default": 10, "tvsd": {"kind": "split", "name": "split"}}
    assert [folds_of(setting, name) for name in ("v4", "tvsd")] == [10, setting["tvsd"]]
    assert folds_of(setting["tvsd"], "v4") == setting["tvsd"]
    words = ["image", 5, setting["tvsd"], {"kind": "column", "name": "object_name"}]
    assert [label_of(one) for one in words] == ["image", "5", "split", "object_name"]


def test_an_experiment_may_have_published_scores_alone(config, registry, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    overlay = yaml.safe_load((REPOSITORY / "experiments" / "published.yaml").read_text())
    config = config | overlay | {"published": config["published"] | overlay["published"]}
    config["figures"] = {"images": 3} | overlay["figures"]
    schemas.check(config, schema("config"), "config")
    models = model_table.read_models(config["models"], schema("models"))
    assert models.empty
    assert set(schema("models")["properties"]) | {"where", "measured"} == set(models)
    settings.check_experiment(config, registry, models)
    config["published"]["tables"] = ["gokce_schrimpf"]
    with pytest.raises(
        UserError, match=r"published: tables: .* did you mean 'gokce_schrimpf_2025'"
    ):
        settings.check_experiment(config, registry, models)


def test_an_experiment_that_compares_nothing_is_refused(config, registry, models):
    config = config | {"recordings": []}
    with pytest.raises(UserError, match="config: recordings: none is named"):
        settings.check_experiment(config, registry, models)


def test_a_grid_of_penalties_has_a_width(config):
    encoding, grid = config["encoding"], {"lowest": 1.0, "highest": 0.5, "number": 3}
    ridge = encoding["ridge"]
    with pytest.raises(UserError, match=r"penalties: lowest 1 is not below highest 0.5.*number: 1"):
        settings.check_ridge(encoding | {"ridge": ridge | {"penalties": grid}})
    settings.check_ridge(encoding | {"ridge": ridge | {"penalties": grid | {"number": 1}}})


@pytest.mark.parametrize(
    ("changes", "ridge", "message"),
    [
        (
            {},
            {"inner": "folds", "precision": "float32"},
            "'float32' has no effect with inner: folds",
        ),
        ({}, {"inner": "auto", "precision": "float32"}, None),  # by size, and the log says so
        (
            {"device": "cuda", "mappings": ["ridge"]},
            {"inner": "folds"},
            "'cuda' has no effect: ridge",
        ),
        ({"device": "cuda", "mappings": ["rsa", "cka"]}, {}, "rsa and cka of protocol 'corrected'"),
        (
            {"device": "cuda", "mappings": ["pls"], "protocol": "brainscore"},
            {},
            "'brainscore'.*on the C",
        ),
        ({"device": "cuda", "mappings": ["ridge"]}, {"inner": "images"}, None),
        ({"device": "cuda", "mappings": ["pls"]}, {"inner": "folds"}, None),
        ({"device": "auto", "mappings": ["rsa"]}, {}, None),
    ],
)
def test_an_explicit_precision_or_device_without_effect_is_refused(config, changes, ridge, message):
    encoding = config["encoding"] | changes
    encoding["ridge"] = encoding["ridge"] | ridge
    if message is None:
        settings.check_ridge(encoding)
        return
    with pytest.raises(UserError, match=message):
        settings.check_ridge(encoding)


def test_big_experiments_choose_penalties_in_all_areas_alike():
    for name in ("tvsd", "triplen"):
        ridge = schemas.load_yaml(ROOT / "experiments" / f"{name}.yaml")["encoding"]["ridge"]
        assert ridge == {"inner": "images", "precision": "float32"}, name


def test_an_animal_predicts_another_in_both_big_experiments(registry):
    """Recordings of one area, of one animal each, that were shown the same stimuli."""
    for name in ("tvsd", "triplen"):
        used = schemas.load_yaml(ROOT / "experiments" / f"{name}.yaml")["recordings"]
        entries = [registry["recordings"][one] for one in used]
        of_it = [one for one in entries if one["attributes"]["area"] == "IT"]
        single = {
            one["attributes"]["monkey"]: one
            for one in of_it
            if " " not in one["attributes"]["monkey"]
        }
        assert len(single) == 2 and len({one["stimuli"] for one in single.values()}) == 1, name
        for monkey, entry in single.items():
            chosen = entry.get("options", {}).get("monkey") or entry["sites"]["animal"]
            assert chosen == monkey and entry["sites"]["region"] == "IT"


@pytest.mark.parametrize(
    ("reduce", "changes", "message"),
    [
        ("srp", {}, "reduce: kind: 'srp' leaves no maps, and recording 'sim_m1_pl' has a grid"),
        ("srp", {"recordings": ["v4_210325"], "rdms": ["it92_monkey"]}, "rdms: 'it92_monkey' is"),
        ("srp", {"recordings": ["v4_210325"]}, None),
        (
            "srp",
            {"recordings": ["v4_210325"], "encoding": {"folds": {"kind": "clusters", "k": 5}}},
            "'srp' leaves no means over positions, and folds of kind: 'clusters' .*kind: pool",
        ),
        (
            "srp",
            {"recordings": ["v4_210325"], "encoding": {"splits": [{"kind": "far", "share": 0.2}]}},
            "folds of kind: 'far'",
        ),
        (
            "srp",
            {
                "recordings": ["v4_210325"],
                "multiverse": {"variants": {"c": {"folds": {"kind": "clusters", "k": 3}}}},
            },
            "folds of kind: 'clusters'",
        ),
        ("pool", {"encoding": {"folds": {"kind": "clusters", "k": 5}}}, None),
        ("pca", {"encoding": {"mappings": ["pls", "rsa"]}}, "'pca' is for .*, not for .*'rsa'"),
        ("pca", {"encoding": {"protocol": "reference"}}, "not for .* of 'reference'"),
        ("pca", {"multiverse": {"variants": {"r": {"mappings": ["cka"]}}}}, "not for .*'cka'"),
        ("pca", {"encoding": {"mappings": ["pls", "ridge"]}}, None),
        (
            "pca",
            {"encoding": {"mappings": ["ridge"], "ridge": {"inner": "folds"}}},
            "inner: 'folds' has no principal components",
        ),
        ("pca", {}, None),
        ("none", {"encoding": {"keep_mappings": True}}, "only mappings of pooled layers are kept"),
        ("pool", {"encoding": {"keep_mappings": True, "mappings": ["ridge"]}}, None),
    ],
)
def test_features_are_reduced_where_that_leaves_what_is_needed(
    config, registry, reduce, changes, message
):
    config["reduce"]["kind"] = reduce
    for key, value in changes.items():
        config[key] = config[key] | value if isinstance(value, dict) else value
    if message is None:
        settings.check_reduction(config, registry)
        return
    with pytest.raises(UserError, match=message):
        settings.check_reduction(config, registry)
