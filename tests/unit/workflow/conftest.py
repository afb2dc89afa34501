"""What most tests of the workflow need: an experiment, and the wildcards of a job."""

from types import SimpleNamespace

import pytest

from made import experiments


@pytest.fixture
def ex():
    """The experiment of config.yaml, with the model table of `experiments.ROWS`."""
    return experiments.experiment()


@pytest.fixture
def job():
    """A function: the wildcards of a job."""
    return SimpleNamespace


@pytest.fixture
def scripts(tmp_path):
    """Two rules: `one` imports a (which imports b inside a function), `two` imports c."""
    package = tmp_path / "itcortex"
    package.mkdir()
    (package / "__init__.py").write_text("")
    (tmp_path / "one.py").write_text(
        '"""Doc."""\nfrom itcortex import a\n\n\ndef main():\n    a.go()\n'
    )
    (tmp_path / "two.py").write_text("import itcortex.c\n")
    (package / "a.py").write_text("def go():\n    from itcortex.b import VALUE\n    return VALUE\n")
    (package / "b.py").write_text("VALUE = 1\n")
    (package / "c.py").write_text("X = 'x'\n")
    (package / "sub").mkdir()
    (package / "sub" / "__init__.py").write_text("")
    return tmp_path
