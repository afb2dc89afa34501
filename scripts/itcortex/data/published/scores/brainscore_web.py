"""Brain-Score's leaderboard as its website kept it (about 2021)."""

import json
from pathlib import Path

import pandas as pd

from itcortex.data.published.scores.layout import read_csv, require_columns, tidy
from itcortex.errors import UserError

ACCURACY = "fei-fei.Deng2009-top1"
REGIONS = {
    "movshon.FreemanZiemba2013.V1-pls": "V1",
    "movshon.FreemanZiemba2013.V2-pls": "V2",
    "dicarlo.MajajHong2015.V4-pls": "V4",
    "dicarlo.MajajHong2015.IT-pls": "IT",
    "dicarlo.Rajalingham2018-i2n": "behaviour",
}
_TEXTS, _NUMBERS = ["model", "benchmark"], ["score_raw", "score_ceiled", "error"]


def read_brainscore_web(path: str | Path) -> pd.DataFrame:
    """Read `fixture-scores.json` of brain-score/brain-score.web into the tidy layout.

    A CSV with columns model, benchmark, score_raw, score_ceiled and error is the same table without
    the addresses of those who submitted networks: what a mirror can keep.

    Scores are the raw ones. Those over the ceiling, raw^2 / ceiling^2, have the same ranks.
    """
    path = Path(path)
    table = _of_json(path) if path.suffix == ".json" else read_csv(path, _TEXTS, _NUMBERS)
    top1 = table[table["benchmark"] == ACCURACY].set_index("model")["score_raw"]
    if not (table["benchmark"] == ACCURACY).any() or top1.index.has_duplicates:
        raise UserError(
            f"{path}: needs one {ACCURACY!r} of a model; the published table has changed"
        )
    rows = table[table["benchmark"].isin(REGIONS)]
    rows = rows.assign(
        accuracy=100 * rows["model"].map(top1),
        region=rows["benchmark"].map(REGIONS),
        metric=rows["benchmark"].str.endswith("-i2n").map({True: "i2n", False: "pls"}),
        score=rows["score_raw"],
    )
    return tidy(rows)


def _of_json(path: Path) -> pd.DataFrame:
    """Columns of the CSV, from the website's records; a benchmark is [name, version], so is a model."""
    try:
        records = json.loads(path.read_text(encoding="utf-8"))
        fields = pd.DataFrame([record["fields"] for record in records])
    except (OSError, ValueError, TypeError, KeyError) as error:
        raise UserError(f"{path}: not the website's list of scores ({error!r})") from error
    require_columns(path, list(fields), [*_TEXTS, *_NUMBERS])
    names = {name: [value[0] for value in fields[name]] for name in _TEXTS}
    return fields[_NUMBERS].astype("float64").assign(**names)
