"""TVSD's two files of a monkey as MATLAB 7.3 writes them, of any size, and a folder of THINGS."""

from pathlib import Path

import h5py
import numpy as np
from PIL import Image

OBJECTS = ("aardvark", "abacus", "zucchini")


def image_names(n_train: int, n_test: int) -> tuple[list[str], list[str]]:
    """Names of training and test images, with MATLAB's backslashes, objects in turn."""
    names = [
        f"{OBJECTS[k % len(OBJECTS)]}\\{OBJECTS[k % len(OBJECTS)]}_{k:05d}.jpg"
        for k in range(n_train + n_test)
    ]
    return names[:n_train], names[n_train:]


def write_images(path: Path, train: list[str], test: list[str]) -> Path:
    """`things_imgs.mat`: columns of references to texts in UTF-16, each a column itself."""
    with h5py.File(path, "w", userblock_size=512) as handle:
        for group, names in (("train_imgs", train), ("test_imgs", test)):
            for field in ("class", "things_path"):
                column = np.empty((len(names), 1), h5py.ref_dtype)
                for row, name in enumerate(names):
                    text = name if field == "things_path" else name.partition("\\")[0]
                    codes = np.frombuffer(text.encode("utf-16-le"), "<u2")[:, None]
                    stored = handle.create_dataset(f"#refs#/{group}{field}{row}", data=codes)
                    stored.attrs["MATLAB_class"] = np.bytes_("char")
                    column[row, 0] = stored.ref
                handle.create_dataset(f"{group}/{field}", data=column, dtype=h5py.ref_dtype)
    return _with_header(path)


def write_responses(
    path: Path, train: np.ndarray, repeats: np.ndarray, reliability: np.ndarray
) -> Path:
    """`THINGS_normMUA.mat` of train (image, electrode), repeats (image, electrode, repeat).

    Axes are reversed, as MATLAB's arrays (electrode, image) and (electrode, image, repeat) come out.
    """
    with h5py.File(path, "w", userblock_size=512) as handle:
        arrays = {
            "train_MUA": train, "test_MUA": np.nanmean(repeats, 2),
            "test_MUA_reps": repeats.transpose(2, 0, 1),
            "reliab": reliability + np.array([[-0.05], [0.05]]),  # two draws
        }  # fmt: skip
        for name, values in arrays.items():
            stored = handle.create_dataset(name, data=values, dtype=np.float64, compression="gzip")
            stored.attrs["MATLAB_class"] = np.bytes_("double")
    return _with_header(path)


def _with_header(path: Path) -> Path:
    with path.open("r+b") as file:
        file.write(b"MATLAB 7.3 MAT-file".ljust(124) + b"\x00\x02IM")
    return path


def write_things(folder: Path, names: list[str], side: int = 32, seed: int = 0) -> Path:
    """The folder `object_images` with JPEGs of these names, and one that was not shown."""
    rng = np.random.default_rng(seed)
    for name in [*names, "zucchini\\never_shown.jpg"]:
        path = folder / name.replace("\\", "/")
        path.parent.mkdir(parents=True, exist_ok=True)
        coarse = rng.integers(0, 256, (4, 4, 3), dtype=np.uint8)
        Image.fromarray(coarse).resize((side, side), Image.Resampling.BICUBIC).save(path)
    return folder
