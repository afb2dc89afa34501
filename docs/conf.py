"""How Sphinx makes the pages: `make docs`. Pages that are generated are made by `generated.py`."""

import os
import sys
from importlib import metadata
from pathlib import Path

HERE = Path(__file__).resolve().parent
LIBRARY = str(HERE.parent / "scripts")
sys.path[:0] = [str(HERE), LIBRARY]
os.environ["PYTHONPATH"] = LIBRARY  # of the process that runs the notebook

import generated  # noqa: E402 (beside this file)

project = "itcortex"
author = copyright = "The itcortex developers"
try:
    release = metadata.version("itcortex")
except metadata.PackageNotFoundError:  # the workflow's environment has the code and not the package
    release = generated.version_of(HERE.parent)
root_doc = "contents"
extensions = ["myst_nb", "sphinx.ext.autodoc", "sphinx.ext.mathjax", "numpydoc"]
exclude_patterns = ["_build"]
html_theme = "furo"
html_title = f"itcortex {release}"

myst_enable_extensions = ["dollarmath"]
myst_fence_as_directive = ["math"]
myst_heading_anchors = 4
nb_execution_mode = "force"
nb_execution_raise_on_error = True
nb_execution_timeout = 60

autodoc_typehints = "none"  # the sections say types in words
numpydoc_show_class_members = False

suppress_warnings = ["misc.highlighting_failure"]  # Snakemake's own words are no Python


def setup(app):
    """Generated pages are written before anything is read; links out of docs/ lead to copies."""
    app.connect("builder-inited", lambda app: generated.write_pages(HERE))
    app.connect("source-read", lambda app, name, source: generated.redirect(name, source))
