"""`import itcortex`: light, typed, documented, and its examples run."""

import ast
import doctest
import inspect
import subprocess
import sys
from importlib import import_module
from pathlib import Path

import pytest

import itcortex

PACKAGE = Path(itcortex.__file__).parent
WITH_TORCH = ("harmonizer_loss", "prepare_for_harmonizing")
WITHOUT_TORCH = [name for name in itcortex.__all__ if name not in WITH_TORCH]
EXAMPLES = {*WITHOUT_TORCH} - {"extract_features", "Predictivity", "UserError"}
FUNCTIONS = [name for name in WITHOUT_TORCH if inspect.isfunction(getattr(itcortex, name))]


def examples_of(name: str) -> list[doctest.DocTest]:
    found = doctest.DocTestFinder(recurse=False).find(getattr(itcortex, name), name)
    return [test for test in found if test.examples]


def run_examples(name: str) -> None:
    tests = examples_of(name)
    assert tests, f"{name} has no example"
    for test in tests:
        result = doctest.DocTestRunner(optionflags=doctest.NORMALIZE_WHITESPACE).run(test)
        assert (result.failed, result.attempted > 1) == (0, True)


@pytest.mark.parametrize("name", sorted(EXAMPLES))
def test_the_example_of_a_name_runs_without_torch(name):
    run_examples(name)


@pytest.mark.network
@pytest.mark.parametrize("name", ["extract_features", *WITH_TORCH])
def test_the_example_of_a_name_with_a_network_runs(name):
    run_examples(name)


@pytest.mark.process
def test_the_import_loads_nothing_and_the_arrays_need_few_packages():
    """Blocked as if they were not installed: all that a fit of arrays does not need."""
    code = """
import sys
import itcortex
assert not {"numpy", "pandas", "sklearn"} & set(sys.modules)
class Absent:
    def find_spec(self, name, *_):
        blocked = "torch timm snakemake h5py pyarrow PIL tqdm yaml xarray safetensors".split()
        if name.partition(".")[0] in blocked:
            raise ModuleNotFoundError(name)
sys.meta_path.insert(0, Absent())
import numpy as np
X = np.random.default_rng(0).standard_normal((60, 4))
found = itcortex.predictivity(X, X[:, :2], folds=5, draws=10)
assert found.r > 0.99
itcortex.PLS(2).fit(X, X[:, :2]).predict(X)
itcortex.RidgePerTarget().fit(X, X[:, 0])
itcortex.noise_ceiling(X)
itcortex.choose_layer(X, X, folds=5)
itcortex.align_maps(X.reshape(3, 4, 5, 4), X.reshape(3, 4, 5, 4), draws=20)
itcortex.tradeoff(X[:, 0], X[:, 1] + 70, draws=20)
"""
    command = [sys.executable, "-c", code]
    done = subprocess.run(command, check=False, capture_output=True, text=True, cwd=PACKAGE.parent)
    assert done.returncode == 0, done.stderr


def test_the_stub_gives_every_public_name_from_where_it_is_defined():
    """Type checkers read the stub, Python `__getattr__`."""
    assert (PACKAGE / "py.typed").exists()
    stub = ast.parse((PACKAGE / "__init__.pyi").read_text(encoding="utf-8"))
    places = {
        alias.asname: node.module
        for node in stub.body
        if isinstance(node, ast.ImportFrom)
        for alias in node.names
    }
    assert sorted(places) == sorted(itcortex.__all__)
    for name in WITHOUT_TORCH:
        assert getattr(itcortex, name) is getattr(import_module(places[name]), name)


@pytest.mark.parametrize("name", FUNCTIONS)
def test_a_function_is_typed_and_every_parameter_is_explained(name):
    function = getattr(itcortex, name)
    signature = inspect.signature(function)
    assert signature.return_annotation is not inspect.Signature.empty
    text = inspect.getdoc(function)
    section = text.partition("Parameters\n----------\n")[2].partition("\n\n")[0]
    explained = {
        word.strip()
        for line in section.splitlines()
        if not line.startswith(" ")
        for word in line.partition(" : ")[0].split(",")
    }
    assert explained == set(signature.parameters)
    assert all(p.annotation is not p.empty for p in signature.parameters.values())


def test_a_name_that_does_not_exist_is_an_attribute_error():
    with pytest.raises(AttributeError, match="no attribute 'predictvity'"):
        itcortex.predictvity  # noqa: B018
