"""What is kept of what a file says of images and sites: labels of images, and reliability of sites."""

import numpy as np
import pandas as pd

from itcortex.data.own.columns import LABELS, numbers
from itcortex.errors import UserError, nearest

#: Labels that the workflow gives itself, and where a user gives them.
_RESERVED = {
    "picture": "it tells images with the same pixels apart, and follows from the pictures",
    "kind": "kinds of image are given by `kinds:` of an entry of `stimuli:` in the registry",
    "split": "a column of splits is named by the entry's key `split`",
}
_MOST_NAMED = 5


def labels_of_images(
    shown: pd.DataFrame, image_of: np.ndarray, entry: dict, where: str
) -> dict[str, list]:
    """What is known of every image, by label: its split, Brain-Score's columns, the entry's `labels`.

    Raises `UserError` for a label that the workflow gives itself, for a column that is not there, and
    for images without exactly one value.
    """
    split, asked = entry.get("split"), entry.get("labels", [])
    for name in asked:
        if name in _RESERVED:
            raise UserError(
                f"{where}: labels: {name!r} is a label that the workflow gives itself "
                f"({_RESERVED[name]}); it would be replaced: give the column another name"
            )
    for key, column in [*([("split", split)] if split else []), *(("labels", x) for x in asked)]:
        if column not in shown:
            valid = [name for name in shown if name not in ("image", "repeat", "started")]
            hint = (
                nearest(column, valid) if valid else "it says nothing of its images but their names"
            )
            raise UserError(f"{where}: {key}: no column {column!r} of the images; {hint}")
    wanted = {name: name for name in LABELS if name in shown} | {name: name for name in asked}
    wanted |= {"split": split} if split else {}
    return {label: _label(shown, column, image_of, where) for label, column in wanted.items()}


def _label(shown: pd.DataFrame, column: str, image_of: np.ndarray, where: str) -> list:
    """The value of every image in a column, which must have exactly one."""
    levels = shown[column].groupby(image_of)
    if shown[column].isna().any() or (shown[column].astype(str) == "").any():
        raise UserError(f"{where}: {column}: some images have none; give every image one")
    if (levels.nunique() > 1).any():
        name = shown["image"][image_of == int(np.argmax(levels.nunique() > 1))].iloc[0]
        raise UserError(f"{where}: {column}: image {name!r} has several; give every image one")
    return [getattr(value, "item", lambda v=value: v)() for value in levels.first()]


def stated_reliability(sites: pd.DataFrame, n_bins: int, column: str | None, where: str) -> dict:
    """What the file states of its sites: their reliability, if the entry names its `column`."""
    if column is None:
        return {}
    if column not in sites:
        hint = nearest(column, list(sites))
        raise UserError(f"{where}: reliability: no column {column!r} of the sites; {hint}")
    values = numbers(sites[column]).to_numpy(float)
    if n_bins > 1:
        raise UserError(
            f"{where}: reliability: {column!r} is one number a site, and there are "
            f"{n_bins} time bins; take the file that has the window alone"
        )
    if not (np.abs(values) <= 1).all():
        wrong = sites["site"][~(np.abs(values) <= 1)].tolist()
        raise UserError(
            f"{where}: reliability: {column!r} is no correlation for {len(wrong)} sites: "
            f"{wrong[:_MOST_NAMED]}; select sites that have one, as `sites: {{{column}: '>0.3'}}`"
        )
    return {"site_labels": {"reliability": values.tolist()}}
