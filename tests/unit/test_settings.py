"""Bad settings stop with the key, the value and the nearest valid names."""

import copy
from pathlib import Path

import pytest
import yaml

from itcortex import settings
from itcortex.errors import UserError, nearest

REPOSITORY = Path(__file__).resolve().parents[2]
SCHEMAS = REPOSITORY / "rules" / "schemas"


def schema(name):
    return settings.load_yaml(SCHEMAS / f"{name}.schema.yaml")


@pytest.fixture
def config():
    return settings.load_yaml(REPOSITORY / "config.yaml")


@pytest.fixture
def registry():
    return settings.load_yaml(REPOSITORY / "experiments" / "datasets.yaml")


@pytest.fixture
def models():
    return settings.read_models(REPOSITORY / "experiments" / "models.csv", schema("models"))


def test_the_projects_own_settings_are_valid(config, registry, models, monkeypatch, tmp_path):
    monkeypatch.chdir(tmp_path)
    settings.check(config, schema("config"), "config")
    settings.check(registry, schema("datasets"), "registry")
    settings.check_registry(registry, "registry")
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
        (["recordings"], [], r"recordings: "),
    ],
)
def test_faults_name_key_value_and_remedy(config, path, value, message):
    node = config
    for key in path[:-1]:
        node = node[key]
    node[path[-1]] = value
    with pytest.raises(UserError, match=message):
        settings.check(config, schema("config"), "config")


def test_a_sweep_may_be_a_list_of_windows(config):
    config["encoding"]["sweep"] = [[50, 90], [90, 130]]
    settings.check(config, schema("config"), "config")
    config["encoding"]["sweep"] = [[50, 90, 100]]
    with pytest.raises(UserError, match=r"sweep: 0: \[50, 90, 100\] is too long"):
        settings.check(config, schema("config"), "config")


def test_all_faults_are_listed_at_once(config):
    config["sed"] = 1
    config["encoding"]["pool"] = -1
    with pytest.raises(UserError) as caught:
        settings.check(config, schema("config"), "config")
    assert "unknown key 'sed'; did you mean 'seed'?" in str(caught.value)
    assert "encoding: pool: -1 is less than the minimum of 1" in str(caught.value)


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


def test_a_layer_that_the_model_does_not_have(config, registry, models, monkeypatch, tmp_path):
    monkeypatch.chdir(tmp_path)
    models.loc[3, "layers"] = "blocks.1.0;layer9"
    with pytest.raises(UserError, match=r"mobilenetv3_large_100: layers: 'layer9' does not exist"):
        settings.check_experiment(config, registry, models)
    registry = copy.deepcopy(registry)
    registry["recordings"]["sim_m1_pl"]["simulation"]["layer"] = "blocks.9"
    models["layers"] = ""
    with pytest.raises(UserError, match=r"simulation: layer: 'blocks.9' does not exist.*blocks"):
        settings.check_experiment(config, registry, models)


@pytest.mark.parametrize(
    ("row", "message"),
    [
        ("m,w,resnet18,untrained:0,cnn,f,abc,src,", "line 2: top1: 'abc' is not a number"),
        ("m,w,resnet18,untrained:0,cn,f,1,src,", r"(?s)line 2.*category: 'cn' is not a choice"),
        ("../m,w,resnet18,untrained:0,cnn,f,1,src,", r"(?s)line 2.*model: '\.\./m' is not allowed"),
        ("m; touch x,w,resnet18,untrained:0,cnn,f,1,src,", r"(?s)line 2.*model: 'm; touch x'"),
        (",w,resnet18,untrained:0,cnn,f,1,src,", r"(?s)line 2.*'model' is a required property"),
        ("m,w,resnet18,pip:x,cnn,f,1,src,", r"(?s)line 2.*source: 'pip:x' is not allowed"),
        ("m,w,resnet18,untrained:0,cnn,f,1,src,\nm,w,resnet18,untrained:0,cnn,f,1,src,", "twice"),
    ],
)
def test_bad_rows_of_a_model_table(tmp_path, row, message):
    table = tmp_path / "models.csv"
    header = "model,weights,architecture,source,category,family,top1,top1_source,layers"
    table.write_text(f"{header}\n{row}\n")
    with pytest.raises(UserError, match=message):
        settings.read_models(table, schema("models"))


def test_files_that_are_missing_or_no_yaml(tmp_path):
    with pytest.raises(UserError, match=r"none\.csv: model table cannot be read"):
        settings.read_models(tmp_path / "none.csv", {})
    broken = tmp_path / "broken.yaml"
    broken.write_text("a: [1, 2\nb: }")
    with pytest.raises(UserError, match=r"(?s)broken\.yaml: cannot be read as YAML.*line 2"):
        settings.load_yaml(broken)
    broken.write_text("just text")
    with pytest.raises(UserError, match="expected a mapping"):
        settings.load_yaml(broken)


def test_registry_that_refers_to_nothing(registry):
    registry["recordings"]["v4_210325"]["stimuli"] = "v4_images"
    with pytest.raises(UserError, match=r"v4_210325: stimuli: 'v4_images'.*'v4_210325_images'"):
        settings.check_registry(registry, "registry")
    registry["recordings"]["v4_210325"]["file"] = "x.npy"
    with pytest.raises(UserError, match=r"v4_210325: file: 'x.npy' does not exist"):
        settings.check_registry(registry, "registry")


def test_yaml_is_read_by_the_safe_loader(tmp_path):
    hostile = tmp_path / "hostile.yaml"
    hostile.write_text(f"a: !!python/object/apply:os.system ['touch {tmp_path}/owned']")
    with pytest.raises(UserError, match="cannot be read as YAML"):
        settings.load_yaml(hostile)
    assert not (tmp_path / "owned").exists()
    assert yaml.safe_load("a: 1") == {"a": 1}


def test_results_that_cannot_be_written(tmp_path):
    (tmp_path / "results").write_text("a file")
    with pytest.raises(UserError, match="is a file; results need a folder"):
        settings.check_results(tmp_path / "results")
    settings.check_results(tmp_path / "new")  # will be created


def test_nearest_names():
    assert nearest("sim_m1", ["sim_m1_pl", "v4"]) == "did you mean 'sim_m1_pl'?"
    assert nearest("zzz", ["a", "b"]) == "valid names: 'a', 'b'"
    assert nearest("zzz", [str(k) for k in range(12)]).endswith("and 2 more")
