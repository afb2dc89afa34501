"""The 92 object images of Kriegeskorte et al. (Neuron 2008), and the RDMs published for them.

Layout of the MATLAB files (version 5), as the RSA toolbox reads them too: a struct array whose
elements hold one image (`image`, uint8 row x column x colour) or one RDM (`RDM`, a square matrix
or its triangle as a vector; `name`). Images have no names there: they are called object-01,
object-02, ... in the order of the file, which is that of every RDM's rows.
"""

import io
import zlib
from pathlib import Path
from struct import error as struct_error

import numpy as np
from PIL import Image
from scipy.io import loadmat
from scipy.io.matlab import MatReadError

from itcortex.data.rdms import Rdms, n_images_of, upper
from itcortex.data.stimuli import Stimuli
from itcortex.errors import UserError, nearest
from itcortex.formats.matlab import require_plausible

_DAMAGE = (
    MatReadError, NotImplementedError, ValueError, TypeError, KeyError, IndexError, OSError, EOFError,
    OverflowError, MemoryError, zlib.error, struct_error,
)  # fmt: skip
_SYMMETRY = 1e-6  # of dissimilarities around 1 that were stored as float32


def image_ids(count: int) -> tuple[str, ...]:
    """Names of the images in the order of the file, the same for stimuli and RDMs."""
    digits = max(2, len(str(count)))
    return tuple(f"object-{k:0{digits}d}" for k in range(1, count + 1))


def read_images(source: str | Path, variable: str, size_px: int | None = None) -> Stimuli:
    """Images of the struct array `variable`, squeezed to `size_px` x `size_px` if that is given.

    Raises `UserError` for a file or variable that does not hold images of one size.
    """
    images = [
        _image(element, f"{source}: {variable}, element {k + 1}")
        for k, element in enumerate(_elements(source, variable, "image"))
    ]
    sizes = sorted({image.shape[:2] for image in images})
    if size_px is not None:
        how, shape = Image.Resampling.BICUBIC, (size_px, size_px)
        images = [np.asarray(Image.fromarray(image).resize(shape, how)) for image in images]
    elif len(sizes) > 1:
        raise UserError(
            f"{source}: {variable} holds images of {len(sizes)} sizes (rows, columns): {sizes[:5]}; "
            "give the stimuli a size_px to bring them to one size"
        )
    return Stimuli(np.stack(images), image_ids(len(images)))


def read_rdms(source: str | Path, variable: str, names: list[str], attributes: dict) -> Rdms:
    """RDMs of the struct array `variable`: those called `names`, or all of them for an empty list.

    A name like "hIT | BE | Session: 1" gives area, subject and session; any other is the name of
    a subject, or of a group whose RDM was averaged. Raises `UserError` for a name that is not there
    and for a matrix that is not symmetric with a zero diagonal.
    """
    found = {}
    for element in _elements(source, variable, "RDM"):
        name = _text(element["name"])
        if name in found:
            raise UserError(f"{source}: {variable} holds two RDMs called {name!r}")
        found[name] = _pairs(np.asarray(element["RDM"], float), f"{source}: RDM {name!r}")
    for name in names:
        if name not in found:
            raise UserError(
                f"{source}: {variable} has no RDM {name!r}; {nearest(name, list(found))}"
            )
    chosen = {name: found[name] for name in names or found}
    lengths = {name: len(pairs) for name, pairs in chosen.items()}
    if len(set(lengths.values())) > 1:
        raise UserError(f"{source}: RDMs of {variable} have different numbers of pairs: {lengths}")
    values = np.stack(list(chosen.values()))
    ids = image_ids(n_images_of(values.shape[1]))
    return Rdms(values, ids, tuple(_subject(name) for name in chosen), attributes)


def _elements(source: str | Path, variable: str, field: str) -> np.ndarray:
    """Elements of a struct array with a field of that name, row by row."""
    try:
        content = Path(source).read_bytes()
        require_plausible(content, str(source))
        loaded = loadmat(io.BytesIO(content))
    except FileNotFoundError as error:
        raise UserError(f"{source}: no such file; check its path") from error
    except UserError:
        raise
    except _DAMAGE as error:
        raise UserError(
            f"{source}: not a readable MATLAB version 5 file ({type(error).__name__}: {error}); "
            "get it from its original source again"
        ) from error
    fields = {name: value.dtype.names or () for name, value in loaded.items() if name[0] != "_"}
    if variable not in fields:
        raise UserError(f"{source}: no variable {variable!r}; {nearest(variable, list(fields))}")
    if field not in fields[variable]:
        having = [name for name, names in fields.items() if field in names]
        raise UserError(
            f"{source}: {variable!r} is no struct array with a field {field!r}; "
            + (f"use {' or '.join(map(repr, having))}" if having else "no variable of the file is")
        )
    return loaded[variable].ravel()


def _image(element: np.void, label: str) -> np.ndarray:
    image = element["image"]
    if image.dtype != np.uint8 or image.ndim != 3 or image.shape[2] != 3:
        raise UserError(
            f"{label}: not an image uint8 (row, column, rgb): {image.dtype} {image.shape}"
        )
    return image


def _pairs(rdm: np.ndarray, label: str) -> np.ndarray:
    """Pairs of an RDM that is a triangle already, or a square matrix."""
    if 1 in rdm.shape:
        n_images_of(rdm.size)
        return rdm.ravel()
    if missing := int((~np.isfinite(rdm)).sum()):
        raise UserError(
            f"{label}: {missing} of its {rdm.size} values are not finite; leave out the images that "
            "were not measured"
        )
    if rdm.shape[0] != rdm.shape[1] or not np.allclose(rdm, rdm.T, rtol=0, atol=_SYMMETRY):
        raise UserError(f"{label}: not a symmetric matrix: {rdm.shape}")
    if not np.allclose(np.diag(rdm), 0, rtol=0, atol=_SYMMETRY):
        raise UserError(
            f"{label}: an image differs from itself by {np.abs(np.diag(rdm)).max():.3g}"
        )
    return upper(rdm)


def _text(value: np.ndarray) -> str:
    return str(np.ravel(value)[0]) if np.size(value) else ""


def _subject(name: str) -> str:
    parts = [part.strip() for part in name.split("|")]
    return parts[1] if len(parts) == 3 else name
