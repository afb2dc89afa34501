"""TVSD: macaque V1, V4 and IT, 22,248 images shown once and 100 shown thirty times.

Papale, Wang, Self & Roelfsema, Neuron 2025. Every monkey has two MATLAB 7.3 files, which are HDF5: axes
come in reverse order.

`THINGS_normMUA.mat` has multi-unit activity, normalised and averaged over a window for each region:
`train_MUA` and `test_MUA` (image, electrode), `test_MUA_reps` (repeat, image, electrode), and `reliab`
(draw, electrode), whose mean over draws is the reliability of an electrode.

`things_imgs.mat` names the images in the same order. Its groups `train_imgs` and `test_imgs` have
`things_path`, references to texts such as `aardvark\\aardvark_01b.jpg`, below the folder `object_images`
of THINGS. The images themselves may not be passed on.
"""

import logging
from dataclasses import dataclass
from pathlib import Path

import h5py
import numpy as np
import pandas as pd

from itcortex.data.own.selection import select
from itcortex.data.recordings import Recording, checked
from itcortex.errors import UserError, choose
from itcortex.formats import hdf5
from itcortex.numerics.metrics import mean_defined, median_over_sites, pearson

#: Electrodes [first, last) of every region, counted from 0. The monkeys' IT and V4 are in another order.
REGIONS = {
    "N": {"V1": (0, 512), "V4": (512, 768), "IT": (768, 1024)},
    "F": {"V1": (0, 512), "IT": (512, 832), "V4": (832, 1024)},
}
#: An array of electrodes has so many.
ELECTRODES_OF_ARRAY = 64
#: The mean over repeats must be the published mean: correlation of the two, median over electrodes.
LEAST_AGREEMENT = 0.9
SPLITS = ("train", "test")
_MOST_NAMED = 8
_log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Images:
    """What was shown: paths below `object_images`, with `/`, and the split of every image."""

    paths: tuple[str, ...]
    split: tuple[str, ...]

    @property
    def objects(self) -> tuple[str, ...]:
        """The object of every image: the folder that it lies in."""
        return tuple(path.rpartition("/")[0] for path in self.paths)


def read_images(path: str | Path) -> Images:
    """The images that were shown, those of the training set first.

    Raises `UserError` for a file that is no `things_imgs.mat`, and for an image that it names twice.
    """
    found: dict[str, list[str]] = {}
    with _opened(path) as handle:
        for split in SPLITS:
            group = _entry(handle, f"{split}_imgs", path, h5py.Group)
            references = _entry(group, "things_path", path)[...].ravel()
            if references.dtype != object:
                raise UserError(f"{path}: {split}_imgs/things_path holds no references to names")
            texts = (hdf5.own_values(handle[one], str(path))[...] for one in references)
            found[split] = [_text(codes, path).replace("\\", "/") for codes in texts]
    paths = tuple(name for split in SPLITS for name in found[split])
    if len(set(paths)) < len(paths):
        twice = sorted({name for name in paths if paths.count(name) > 1})[:5]
        raise UserError(
            f"{path}: names images twice, in training and test set or in one of them: {twice}; get the "
            "file from its original source again"
        )
    return Images(paths, tuple(split for split in SPLITS for _ in found[split]))


def read_tvsd(
    source: str | Path,
    attributes: dict,
    table: str | Path,
    monkey: str,
    select_sites: dict | None = None,
) -> Recording:
    """Read the electrodes of one monkey: no grid, no time axis; repeats of the test images alone.

    Parameters
    ----------
    source : `THINGS_normMUA.mat` of the monkey.
    table : its `things_imgs.mat`.
    monkey : "F" or "N".
    select_sites : conditions on the columns of `sites_of`, as {"region": "IT", "reliability": ">0.3"};
        see `itcortex.data.own.selection.select`. None takes all electrodes.

    Returns
    -------
    The recording. Responses to test images are the means over their repeats, which `trials` has;
    `image_labels` are `split` (train, test) and `object_name`. Sites without any response to an image
    are left out, since every image needs one of every site; the attribute `left_out` counts them
    (`incomplete_sites`) and those that were not selected (`sites`).

    Raises `UserError` for files of another layout, and for a selection that leaves no site.
    """
    choose(monkey, REGIONS, f"{source}: options: monkey")
    images = read_images(table)
    with _opened(source) as handle:
        sites = sites_of(handle, monkey, str(source))
        chosen = select(sites, select_sites or {}, str(source))
        train, test = (_responses(handle, f"{s}_MUA", images, s, source) for s in SPLITS)
        repeats = _entry(handle, "test_MUA_reps", source).astype(np.float32)[...]
    _require_shape(repeats, (None, len(test), len(sites)), "test_MUA_reps", source)
    trials = repeats[:, :, chosen].transpose(1, 2, 0)  # (image, electrode, repeat)
    mean = mean_defined(trials.astype(np.float64), axis=2)
    responses = np.concatenate([train[:, chosen], mean.astype(np.float32)])
    names = sites["site"][chosen].to_numpy()
    whole = _complete(responses, images.paths, names, str(source))
    _require_agreement(mean[:, whole], test[:, chosen][:, whole], source)
    left_out = {"sites": int((~chosen).sum()), "incomplete_sites": int((~whole).sum())}
    known = {
        "image_labels": {"split": list(images.split), "object_name": list(images.objects)},
        "left_out": {kind: count for kind, count in left_out.items() if count},
    }
    recording = Recording(
        responses[:, whole][:, None, None, None],
        images.paths,
        tuple(names[whole]),
        known | attributes,
        np.ascontiguousarray(trials[:, whole])[:, None, None, None],
        repeated=tuple(range(len(train), len(responses))),
    )
    return checked(recording, str(source))


def _complete(
    responses: np.ndarray, images: tuple[str, ...], sites: np.ndarray, where: str
) -> np.ndarray:
    """Mask (site,) of the sites with a response (image, site) to every image; the log names the others.

    Raises `UserError` if there is none.
    """
    lacking = ~np.isfinite(responses)
    whole = ~lacking.any(0)
    if whole.all():
        return whole
    image, site = np.argwhere(lacking)[0]
    first = f"the first: {sites[site]} to {images[image]}"
    if not whole.any():
        raise UserError(
            f"{where}: none of the {len(sites)} selected sites has a response to every image ({first}); "
            "select others (`sites` of the recording's entry), or get the file from its original source "
            "again"
        )
    named = [str(name) for name in sites[~whole][:_MOST_NAMED]]
    more = f" and {(~whole).sum() - len(named)} more" if (~whole).sum() > len(named) else ""
    _log.warning(
        f"{where}: {(~whole).sum()} of {len(sites)} selected sites have no response to some image "
        f"({first}) and are left out: {', '.join(named)}{more}"
    )
    return whole


def sites_of(handle: h5py.File, monkey: str, where: str) -> pd.DataFrame:
    """A row for each electrode: site, region, animal, array (from 1) and reliability."""
    reliability = _entry(handle, "reliab", where).astype(np.float64)[...]
    n_sites = max(stop for _, stop in REGIONS[monkey].values())
    _require_shape(reliability, (None, n_sites), "reliab", where)
    region = np.empty(n_sites, object)
    for name, (first, stop) in REGIONS[monkey].items():
        region[first:stop] = name
    number = np.arange(n_sites)
    return pd.DataFrame(
        {
            "site": [f"{monkey}-{k + 1:04d}" for k in number], "region": region, "animal": monkey,
            "array": number // ELECTRODES_OF_ARRAY + 1, "reliability": mean_defined(reliability, axis=0),
        }
    )  # fmt: skip


def _responses(
    handle: h5py.File, name: str, images: Images, split: str, where: str | Path
) -> np.ndarray:
    """Responses float32 (image, electrode) of the training or the test images."""
    stored = _entry(handle, name, where).astype(np.float32)[...]
    _require_shape(stored, (images.split.count(split), None), name, where)
    return stored


def _require_shape(values: np.ndarray, wanted: tuple, name: str, where: str | Path) -> None:
    """Raise `UserError` unless an array has the axes that are wanted; None stands for any length."""
    fits = values.ndim == len(wanted) and all(
        length in (None, n) for n, length in zip(values.shape, wanted, strict=True)
    )
    if not fits:
        shape = tuple("any" if n is None else n for n in wanted)
        raise UserError(
            f"{where}: {name} has the shape {values.shape} in HDF5's order; expected {shape}; are both "
            "files of one monkey, and complete?"
        )


def _require_agreement(mean: np.ndarray, published: np.ndarray, where: str | Path) -> None:
    """Raise `UserError` if repeats are not of the images whose published mean stands beside them."""
    agreement = float(median_over_sites(pearson(mean, published.astype(np.float64))))
    if not agreement >= LEAST_AGREEMENT:
        raise UserError(
            f"{where}: the means over test_MUA_reps correlate with test_MUA by {agreement:.2f} only "
            "(median over electrodes): the repeats are of other images; get the file from its original "
            "source again"
        )


def _text(codes: np.ndarray, where: str | Path) -> str:
    """A text that MATLAB stored as codes of UTF-16."""
    try:
        return codes.astype("<u2", casting="safe").tobytes().decode("utf-16-le")
    except (TypeError, UnicodeDecodeError) as error:
        raise UserError(f"{where}: things_path has a name that is no text ({error})") from error


def _entry(group: h5py.Group, name: str, where: str | Path, kind: type = h5py.Dataset):
    """What a group holds under a name; `UserError` if it is not there or of another kind."""
    if name not in group:
        held = ", ".join(one for one in group if not one.startswith("#"))
        raise UserError(f"{where}: has no {name!r}; it holds {held}; name TVSD's own file")
    found = hdf5.entry(group, name, str(where))
    if not isinstance(found, kind):
        raise UserError(f"{where}: {name!r} is no {kind.__name__.lower()}; name TVSD's own file")
    return found


def _opened(path: str | Path) -> h5py.File:
    """A MATLAB 7.3 file; `UserError` if it is none."""
    try:
        return h5py.File(path, "r", locking=False)
    except OSError as error:
        raise UserError(
            f"{path}: not a readable MATLAB 7.3 file ({error}); get it from its original source again"
        ) from error
