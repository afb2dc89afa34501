"""The reader of every published table of scores, by the name of its format in the registry."""

from pathlib import Path

import pandas as pd

from itcortex.data.published.scores.brainscore_web import read_brainscore_web
from itcortex.data.published.scores.cornet import read_cornet
from itcortex.data.published.scores.deepnsd import read_deepnsd
from itcortex.data.published.scores.figure import read_figure
from itcortex.data.published.scores.gokce import read_gokce
from itcortex.data.published.scores.layout import check
from itcortex.data.published.scores.maps import read_maps
from itcortex.data.published.scores.onevision import read_onevision
from itcortex.errors import choose

READERS = {
    "gokce2025": read_gokce,
    "brainscore_web": read_brainscore_web,
    "onevision": read_onevision,
    "deepnsd": read_deepnsd,
    "cornet2019": read_cornet,
    "maps": read_maps,
    "figure": read_figure,
}


def read_scores(source: str, data_format: str, files: list[str | Path]) -> pd.DataFrame:
    """Read the files of one published table, in the registry's order, into the tidy layout.

    `source` becomes the column of that name. Raises `UserError` for a format without a reader and for
    a table that is not as its reader knows it.
    """
    choose(data_format, READERS, f"scores: {source}: format")
    scores = READERS[data_format](*files).assign(source=source)
    return check(scores, str(files[0]))
