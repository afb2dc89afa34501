"""Rows of model tables: which are refused, and that the others are read all the same."""

import csv

import pytest

from itcortex.errors import UserError
from itcortex.workflow.model_table import check_models, read_models
from made import hostile
from made.experiments import ROWS, model_table, repository, schema

COLUMNS = [
    "model",
    "weights",
    "architecture",
    "source",
    "category",
    "family",
    "top1",
    "top1_source",
]


def table_with(path, name: str):
    """A table whose third line has the name."""
    with path.open("w", newline="") as file:
        rows = csv.writer(file)
        rows.writerow(COLUMNS)
        for model in ("good", name):
            rows.writerow(
                [model, "s", "resnet18", "untrained:0", "untrained", "f", "0.1", "chance"]
            )
    return path


# --- names that are commands or paths: each of two barriers refuses them by itself -------------------


@pytest.mark.parametrize("name", hostile.NAMES)
def test_the_schema_refuses_the_name(tmp_path, name):
    path = table_with(tmp_path / "models.csv", name)
    with pytest.raises(UserError, match=r"(?s)models\.csv: line [34] is not valid:.*model"):
        read_models(path, schema("models"))


@pytest.mark.parametrize("name", hostile.NAMES)
@pytest.mark.parametrize("column", ["model", "weights"])
def test_without_a_schema_the_name_is_refused_all_the_same(name, column):
    models = model_table(ROWS[:1])
    models.loc[0, column] = name
    with pytest.raises(UserError, match="cannot be a name here"):
        check_models(models, repository()[1])


# --- rows that are only to be checked ------------------------------------------------------------------


def written(path, *rows: str):
    path.write_text("\n".join([",".join(COLUMNS), *rows]) + "\n")
    return str(path)


def test_rows_that_are_wrong_are_put_aside_and_the_others_read(tmp_path):
    """Of all tables together: a name twice, no number, a share, a category that is none."""
    first = written(
        tmp_path / "a.csv",
        "good,w,resnet18,untrained:0,own,f,,",
        "twice,w,resnet18,untrained:0,own,f,,",
        "word,w,resnet18,untrained:0,own,f,ninety,me",
        "share,w,resnet18,timm:a1_in1k,own,f,.751,me",
    )
    second = written(
        tmp_path / "b.csv",
        "twice,w,resnet50,untrained:0,own,f,,",
        "kind,w,resnet18,untrained:0,cnm,f,,",
    )
    refused = []
    found = read_models([first, second], schema("models"), refused)
    assert found["model"].tolist() == ["good"]
    reasons = {(row.model, row.where.rpartition("/")[2]): row.reason for row in refused}
    for key, said in {
        ("word", "a.csv: line 4"): "'ninety' is not a number or `measure`",
        ("share", "a.csv: line 5"): "is it 75.1 %?",
        ("twice", "a.csv: line 3"): "given twice: ",
        ("twice", "b.csv: line 2"): "so give one of them another name",
        ("kind", "b.csv: line 3"): "'cnm' is not a choice; did you mean 'cnn'?",
    }.items():
        assert said in reasons.pop(key)
    assert reasons == {}


def test_an_accuracy_may_be_asked_to_be_measured(tmp_path):
    """It is no number then, needs no source, and is no text that later steps would stumble over."""
    path = written(
        tmp_path / "a.csv",
        "mine,w,resnet18,timm:a1_in1k,own,f,measure,",
        "mine,v,resnet18,timm:a2_in1k,own,f,71.5,me",
    )
    found = read_models(path, schema("models"))
    assert found["measured"].tolist() == [True, False]
    assert found["top1"].isna().tolist() == [True, False]
    for wrong in ("measured", "7_6"):
        written(tmp_path / "a.csv", f"mine,w,resnet18,timm:a1_in1k,own,f,{wrong},")
        with pytest.raises(
            UserError, match=rf"line 2: top1: '{wrong}' is not a number or `measure`"
        ):
            read_models(path, schema("models"))
