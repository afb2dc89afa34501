"""What the workflow has made: recordings, tables of scores, and mappings that were kept."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from itcortex.data.recordings import Recording
from itcortex.errors import UserError, nearest
from itcortex.workflow import paths


def load_recording(name: str | Path, results: str | Path = paths.RESULTS) -> Recording:
    """A recording that the workflow prepared.

    Parameters
    ----------
    name : str or path
        Its name in the registry, or the file.
    results : path
        Folder of the workflow's results.

    Returns
    -------
    Recording
        `responses` float32 (image, y, x, ms, site), row 0 at the top of the image; `image_ids`,
        `site_ids`, `attributes` (`unit`, `ms_start`, `ms_bin`, ...), and `trials` where they are known.

    Raises
    ------
    UserError
        Where there is no such recording, with those that there are, and for another kind of file.

    Examples
    --------
    >>> import itcortex
    >>> try:
    ...     itcortex.load_recording("v4", results="no_such_folder")
    ... except itcortex.UserError as error:
    ...     print(error)
    no_such_folder/recordings/v4.h5: no such recording; none is there yet: run the workflow first
    """
    from itcortex import store  # noqa: PLC0415 (h5py and pyarrow)

    given = Path(name)
    path = given if given.suffix else paths.below(results, paths.RECORDING, recording=str(name))
    if not path.exists():
        raise UserError(f"{path}: no such recording; {_others(path.parent, '*.h5', path.stem)}")
    return store.read_recording(path)


def load_scores(
    experiment: str, table: str = "summary", results: str | Path = paths.RESULTS
) -> pd.DataFrame:
    """A table of an experiment that has run.

    Parameters
    ----------
    experiment : str
        Name of the experiment, such as ``"demo"``.
    table : str
        ``"summary"`` (a row for each network, recording and mapping), ``"scores"`` (each layer and
        fold), ``"ceilings"``, ``"alignment"``, ``"tradeoff"``, ``"models"`` and the others of the
        documentation's page on tables. Raw scores of every site are not in one table: `open_scores`.
    results : path
        Folder of the workflow's results.

    Raises
    ------
    UserError
        Where there is no such table, with those that there are.

    Examples
    --------
    >>> import itcortex
    >>> try:
    ...     itcortex.load_scores("demo", results="no_such_folder")
    ... except itcortex.UserError as error:
    ...     print(error)
    no_such_folder/demo/tables/summary.parquet: no such table; none is there yet: run the workflow first
    """
    from itcortex import store  # noqa: PLC0415

    pattern = paths.TABLE.replace("{experiment}", experiment)
    path = paths.below(results, pattern, table=table)
    if not path.exists():
        raise UserError(f"{path}: no such table; {_others(path.parent, '*.parquet', table)}")
    return store.read_table(path)


def open_scores(experiment: str, results: str | Path = paths.RESULTS) -> Any:
    """Raw scores of every network, recording, layer, fold and site, left on disk.

    They are too many to be read at once: a dataset reads the columns and rows that it is asked for. The
    files are ``results/{experiment}/encoding/{recording}/{model}/{weights}.parquet``.

    Parameters
    ----------
    experiment : str
        Name of the experiment, such as ``"demo"``.
    results : path
        Folder of the workflow's results.

    Returns
    -------
    pyarrow.dataset.Dataset
        Columns `recording`, `model`, `weights`, `mapping`, `protocol`, `layer`, `depth`, `fold`,
        `site`, `control`, `permutation`, `window_start`, `window_stop`, `main_window`, `chosen`, `r`,
        `rho` and `explained_variance`, and others that only some files have. Texts are strings.

    Raises
    ------
    UserError
        Where there are none.

    Examples
    --------
    The sites of one network at the layers that were chosen, as a data frame:

    >>> import itcortex
    >>> from pyarrow.dataset import field
    >>> try:
    ...     rows = itcortex.open_scores("demo", results="no_such_folder").to_table(
    ...         columns=["site", "fold", "r"], filter=field("chosen") & (field("model") == "resnet50")
    ...     )
    ... except itcortex.UserError as error:
    ...     print(error)
    no_such_folder/demo/encoding: no scores of networks; run the workflow first
    """
    from itcortex import store  # noqa: PLC0415

    pattern = paths.ENCODING.format(experiment=experiment, recording="*", model="*", weights="*")
    files = sorted(Path(results).glob(pattern.partition("/")[2]))
    if not files:
        folder = Path(results, experiment, "encoding")
        raise UserError(f"{folder}: no scores of networks; run the workflow first")
    return store.open_rows(files)


def predict_responses(
    images: Any,
    model: str,
    recording: str,
    *,
    experiment: str,
    weights: str | None = None,
    names: Sequence[str] | None = None,
    results: str | Path = paths.RESULTS,
    batch_size: int = 16,
    device: str = "cpu",
    seed: int = 0,
) -> pd.DataFrame:
    """What recorded sites would answer to one's own images, by a mapping that the workflow kept.

    The experiment must have run with `encoding: keep_mappings: true`. The mapping is that of the layer
    that was chosen most often, fitted to all images of the recording.

    Parameters
    ----------
    images : path or uint8 array (image, row, column, rgb)
        A folder of pictures of any size (png, jpeg, bmp, tiff), or pixels.
    model, recording : str
        Names in the model table and in the registry.
    experiment : str
    weights : str, optional
        Name of the weights, where the model has several.
    names : list of str, optional
        Names of the images of an array; without them they are numbered.
    results : path
    batch_size : int
    device : str
    seed : int
        Fixes what a network draws that is not among its weights.

    Returns
    -------
    DataFrame
        One row for each image, position and site: `image`, `y`, `x`, `site`, `response`, in the
        recording's unit (`unit`).

    Raises
    ------
    UserError
        Where no mapping was kept, for weights that have changed since, and pictures that are damaged.

    Examples
    --------
    >>> import itcortex
    >>> try:
    ...     itcortex.predict_responses("pictures", "net", "v4", experiment="demo", results="nowhere")
    ... except itcortex.UserError as error:
    ...     print(error)
    nowhere/demo/mappings/v4/net: no mapping was kept; run with `encoding: keep_mappings: true`
    """
    from itcortex import store  # noqa: PLC0415
    from itcortex.encoding import new_images  # noqa: PLC0415

    keys = {"recording": recording, "model": model}
    kept = _kept(results, experiment, keys, weights)
    arrays, about = store.read_arrays(kept)
    from itcortex.weights.loaded import load_network  # noqa: PLC0415 (torch takes seconds)

    file = paths.below(results, paths.WEIGHTS, model=model, weights=kept.stem)
    loaded = load_network(about["network"], file, device, seed)
    new_images.require_same_weights(about, loaded.weights_digest, str(kept))
    pictures = _pictures(images, names)
    mapping = new_images.from_arrays(arrays, about)
    values = new_images.predict(loaded, about, mapping, pictures, batch_size)
    table = new_images.as_table(values, list(pictures), about["site_ids"])
    return table.assign(unit=about["unit"])


def _kept(results: str | Path, experiment: str, keys: dict, weights: str | None) -> Path:
    """The file of the mapping of a model, with the only weights or those named."""
    pattern = paths.MAPPING.replace("{experiment}", experiment)
    folder = paths.below(results, pattern, weights="any", **keys).parent
    found = {path.stem: path for path in sorted(folder.glob("*.h5"))}
    if not found:
        raise UserError(f"{folder}: no mapping was kept; run with `encoding: keep_mappings: true`")
    if weights is None and len(found) > 1:
        raise UserError(f"weights: name one of {', '.join(found)}: the model has several")
    if weights is not None and weights not in found:
        raise UserError(
            f"weights: {weights!r}: no mapping was kept; {nearest(weights, list(found))}"
        )
    return next(iter(found.values())) if weights is None else found[weights]


def _pictures(images: Any, names: Sequence[str] | None) -> dict[str, np.ndarray]:
    from itcortex.data import pictures  # noqa: PLC0415 (Pillow)

    if isinstance(images, str | Path):
        return pictures.read_pictures(pictures.picture_files(images))
    array = np.asarray(images)
    if array.dtype != np.uint8 or array.ndim != 4 or array.shape[3] != 3:
        raise UserError(
            f"images: {array.dtype} {array.shape}; give uint8 (image, row, column, rgb)"
        )
    given = [str(i) for i in range(len(array))] if names is None else [str(name) for name in names]
    if len(set(given)) != len(array) or len(given) != len(array):
        raise UserError(
            f"names: {len(set(given))} different names for {len(array)} images; give one each"
        )
    return dict(zip(given, array, strict=True))


def _others(folder: Path, pattern: str, wanted: str) -> str:
    """End of a message that offers what a folder has instead."""
    there = sorted(path.stem for path in folder.glob(pattern) if not path.name.startswith("."))
    return nearest(wanted, there) if there else "none is there yet: run the workflow first"
