"""Names in a model table that are commands or paths: each of two barriers refuses them by itself."""

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
