"""Bad rows and cells of a model table stop with their line, the value and a remedy."""

from pathlib import Path

import pytest

from itcortex.errors import UserError
from itcortex.networks.network import Network
from itcortex.workflow import model_table, schemas

SCHEMAS = Path(__file__).resolve().parents[3] / "rules" / "schemas"


def schema(name):
    return schemas.load_yaml(SCHEMAS / f"{name}.schema.yaml")


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
        ("m,w,resnet18,timm:x,cnn,f,.751,src,", r"line 2: top1: 0.751 is in percent.* 75.1 %\?"),
        (
            "\n,,,,,,,,\nm,w,resnet18,untrained:0,cnn,f,abc,src,",
            "line 4: top1: 'abc' is not a number",
        ),
        ("m,w,resnet18,untrained:0,cnn,f,1,a,b,c", r"line 2: has 10 cells for 9 named columns"),
    ],
)
def test_bad_rows_of_a_model_table(tmp_path, row, message):
    table = tmp_path / "models.csv"
    header = "model,weights,architecture,source,category,family,top1,top1_source,layers"
    table.write_text(f"{header}\n{row}\n")
    with pytest.raises(UserError, match=message):
        model_table.read_models(table, schema("models"))


def test_a_table_with_semicolons_is_refused_by_its_cause(tmp_path):
    table = tmp_path / "models.csv"
    table.write_text("model;weights;architecture\nm;w;resnet18\n")
    with pytest.raises(
        UserError, match=r"models\.csv: its cells are separated by semicolons or tabs"
    ):
        model_table.read_models(table, schema("models"))


HEADER = "model,weights,architecture,source,category,family,top1,top1_source"


def table_of(folder, row, columns="", name="models.csv"):
    """A model table of one row, with optional columns."""
    path = folder / name
    path.write_text(f"{HEADER},{columns}\n{row}\n")
    return path


@pytest.mark.parametrize(
    ("column", "cell", "message"),
    [
        ("arguments", "{same}", r"line 2: arguments: '{same}' is not JSON .*; write {"),
        ("arguments", "[1]", r"line 2: arguments: '\[1\]' is not a JSON object"),
        (
            "preprocessing",
            '"{""men"": 1}"',
            r"line 2: preprocessing: unknown key 'men'; did you mean",
        ),
        ("builder", "mine.py", r"(?s)line 2.*builder: 'mine.py' is not allowed here"),
        ("sha256", "abc", r"(?s)line 2.*sha256: 'abc' is not allowed here"),
        ("baseline", "vgg16", r"(?s)line 2.*baseline: 'vgg16' is not allowed here"),
        ("params_m", "0", r"(?s)line 2.*params_m: 0.0 is less than or equal to the minimum of 0"),
        ("params_m", "many", r"line 2: params_m: 'many' is not a number"),
        ("colour", "red", r"(?s)line 2.*unknown key 'colour'"),
    ],
)
def test_bad_cells_of_optional_columns(tmp_path, column, cell, message):
    """Line, column, value, and what is wrong with it."""
    path = table_of(tmp_path, f"m,w,resnet18,untrained:0,cnn,f,1,src,{cell}", column)
    with pytest.raises(UserError, match=message):
        model_table.read_models(path, schema("models"))


def test_lines_are_those_of_the_file_and_names_stay_names(tmp_path):
    """Blank lines and a cell over two lines do not shift them; Excel adds a mark and empty columns."""
    path = tmp_path / "models.csv"
    row = "0001,NA,resnet18,untrained:0,untrained,1e5,.1,"
    path.write_text(f'\ufeff{HEADER},\n\n{row}"a\nb"\n\n{row.replace("NA", "None")}src\n')
    read = model_table.read_models(path, schema("models"))
    assert list(read["where"]) == [f"{path}: line 3", f"{path}: line 6"]
    assert read[["model", "weights", "family", "top1", "top1_source"]].values.tolist() == [
        ["0001", "NA", "1e5", 0.1, "a\nb"],
        ["0001", "None", "1e5", 0.1, "src"],
    ]
    path.write_text(f"{HEADER},top1\n{row}a,.1\n")
    with pytest.raises(UserError, match=r"models.csv: column 'top1' is there 2 times"):
        model_table.read_models(path, schema("models"))
    path.write_text("\n")
    with pytest.raises(UserError, match="cannot be read: it is empty"):
        model_table.read_models(path, schema("models"))


def test_optional_columns_may_be_left_out(tmp_path):
    """They are there all the same: text is empty, numbers are NaN."""
    path = table_of(tmp_path, "m,w,resnet18,untrained:0,cnn,f,1,src,11.7", "params_m")
    (row,) = model_table.read_models(path, schema("models")).to_dict("records")
    assert (row["params_m"], row["builder"], row["layers"]) == (11.7, "", "")
    assert row["input_size"] != row["input_size"]  # NaN
    assert row["where"] == f"{path}: line 2"


def test_several_tables_are_one(tmp_path):
    """A user's own models beside ours; a fault names the table that has it."""
    first = table_of(tmp_path, "m,w,resnet18,untrained:0,cnn,f,1,src,", "layers", "a.csv")
    second = table_of(tmp_path, "n,w,resnet18,untrained:0,cnn,f,1,src,0.5", "params_m", "b.csv")
    both = model_table.read_models([str(first), str(second)], schema("models"))
    assert list(both["model"]) == ["m", "n"]
    assert list(both["where"]) == [f"{first}: line 2", f"{second}: line 2"]
    again = table_of(tmp_path, "m,w,resnet18,untrained:1,cnn,f,1,src,", "layers", "c.csv")
    with pytest.raises(UserError, match=r"given twice: .*a.csv: line 2: m w, .*c.csv: line 2: m w"):
        model_table.read_models([str(first), str(second), str(again)], schema("models"))


REGISTRY = {"datasets": {"weights": {"files": {"x.pth": {}}}}}


def checked(folder, row, columns=""):
    """Check a table of one row against a registry that knows one file."""
    model_table.check_models(
        model_table.read_models(table_of(folder, row, columns), schema("models")), REGISTRY
    )


@pytest.mark.network
@pytest.mark.parametrize(
    ("row", "columns", "message"),
    [
        (
            "m,w,resnet50.a1_in1k,timm:a1_in1k,cnn,f,1,src,",
            "layers",
            r"architecture: 'resnet50.a1_in1k' is .*; write architecture resnet50 and source timm:a1_i",
        ),
        (
            "m,w,resnet18,timm:tv_in2k,cnn,f,1,src,",
            "layers",
            r"no weights 'tv_in2k' of resnet18; did",
        ),
        (
            "m,w,resnet18,data:weight/x.pth,cnn,f,1,src,",
            "layers",
            r"dataset: 'weight' does not ex",
        ),
        (
            "m,w,resnet18,data:weights/y.pth,cnn,f,1,src,",
            "layers",
            r"file of weights: 'y.pth' does",
        ),
        ("m,w,resnet18,file:y.pth,cnn,f,1,src,", "layers", r"no file y.pth; a path is relative to"),
        (
            f"m,w,resnet18,untrained:0,cnn,f,1,src,{'0' * 64}",
            "sha256",
            r"which reads no file; leave",
        ),
        (
            "m,w,x,timm:tv_in1k,cnn,f,1,src,a.b:c",
            "builder",
            r"for timm's networks, but a builder is",
        ),
        (
            "m,w,x,untrained:0,cnn,f,1,src,mine.py:build",
            "builder",
            r"builder: no file mine.py; a pa",
        ),
        (
            "m,w,x,untrained:0,cnn,f,1,src,nowhere.x:y",
            "builder",
            r"no installed package has a module",
        ),
        (
            "m,w,resnet18,untrained:0,harmonized,f,1,src,vgg w",
            "baseline",
            r"baseline: 'vgg w' does no",
        ),
    ],
)
def test_rows_that_name_what_is_not_there(tmp_path, monkeypatch, row, columns, message):
    """Found before any job, with the table's line and the model."""
    monkeypatch.chdir(tmp_path)
    with pytest.raises(UserError, match=r"models.csv: line 2: m: .*" + message):
        checked(tmp_path, row, columns)


@pytest.mark.network
def test_arguments_that_do_not_go_with_the_images_stop_before_any_job(tmp_path, monkeypatch):
    """A network made for other images says so when they are run through it."""
    monkeypatch.chdir(tmp_path)
    row = 'm,w,vit_tiny_patch16_224,untrained:0,vit,f,1,src,"{""img_size"": 96}"'
    message = r"line 2: m: vit_tiny.*images of \(3, 224, 224\) .* cannot be run .*: AssertionError"
    with pytest.raises(UserError, match=message):
        checked(tmp_path, row, "arguments")
    checked(tmp_path, row + ',"{""input_size"": [3, 96, 96]}"', "arguments,preprocessing")
    with pytest.raises(UserError, match=r"line 2: m: arguments: vit_tiny.* cannot be built with"):
        checked(tmp_path, row.replace("img_size", "imgsize"), "arguments")


@pytest.mark.network
def test_rows_of_every_source_pass(tmp_path, monkeypatch):
    """What is there is accepted, without loading torch."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / "y.pth").write_bytes(b"")
    for source in ("timm:tv_in1k", "data:weights/x.pth", "file:y.pth", "hub:a/b/c/d.ckpt@v1.0"):
        checked(tmp_path, f"m,w,resnet18,{source},cnn,f,1,src,", "layers")
    assert not (tmp_path / ".snakemake").exists()  # no network was built


MINE = """
from torch import nn

def build(width=4):
    return nn.Sequential(nn.Conv2d(3, width, 2), nn.Conv2d(width, 4, 2))
"""


@pytest.mark.network
def test_a_users_network_is_built_once_for_each_content_of_its_file(tmp_path, monkeypatch):
    """The next start reads what was found; a changed file is built again."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / "mine.py").write_text(MINE)
    pre = '{""input_size"":[3,8,8],""mean"":[0,0,0],""std"":[1,1,1],""interpolation"":""box""}'
    row = f'm,w,x,untrained:0,cnn,f,1,src,mine.py:build,"{pre}"'
    columns = "builder,preprocessing"
    checked(tmp_path, row, columns)
    checked(tmp_path, row + ",1", columns + ",layers")
    with pytest.raises(UserError, match=r"line 2: m: layers: 'conv' does not exist"):
        checked(tmp_path, row + ",conv", columns + ",layers")

    built = []
    monkeypatch.setattr(Network, "build", lambda self, seed=None: built.append(self) or 1 / 0)
    checked(tmp_path, row, columns)
    assert built == []
    (tmp_path / "mine.py").write_text(MINE + "# changed\n")
    with pytest.raises(ZeroDivisionError):
        checked(tmp_path, row, columns)
    assert len(built) == 1


@pytest.mark.network
def test_a_users_network_that_does_not_work_stops_before_any_job(tmp_path, monkeypatch):
    """Line, model and what the builder did."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / "mine.py").write_text(MINE.replace("width=4", "width"))
    row = "m,w,x,untrained:0,cnn,f,1,src,mine.py:build"
    with pytest.raises(UserError, match=r"line 2: m: arguments: 'mine.py:build' cannot be called"):
        checked(tmp_path, row, "builder")
    (tmp_path / "mine.py").write_text(MINE)
    with pytest.raises(UserError, match=r"line 2: m: preprocessing: Sequential carries no config"):
        checked(tmp_path, row, "builder")
