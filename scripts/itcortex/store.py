"""The only module that knows how results are laid out in files.

Everything is written under a temporary name in the target's folder and renamed when complete, so
that a file with its final name is always whole. Nothing holds a time stamp: same input, same bytes.
"""

import json
import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

import h5py
import numpy as np
import pandas as pd
import pyarrow as pa
from pyarrow import parquet

from itcortex import stamp
from itcortex.attention import MAP_SIDE, Photographs
from itcortex.errors import UserError
from itcortex.rdms import Rdms
from itcortex.recordings import Recording
from itcortex.stimuli import Stimuli

_READ_BYTES = 32 * 2**20
_COMPRESSION = {"compression": "gzip", "compression_opts": 1, "shuffle": True}


@contextmanager
def atomic_path(path: str | Path) -> Iterator[Path]:
    """Yield a temporary path beside `path`; rename it to `path` if the block succeeds.

    The temporary name keeps the suffix, because writers choose formats by it. It is removed
    when the block fails. A name left by a killed process is overwritten by the next try.
    """
    path = Path(path)
    path.parent.mkdir(parents=True, exist_ok=True)
    temporary = path.with_name(f".{path.stem}.partial{path.suffix}")
    temporary.unlink(missing_ok=True)
    try:
        yield temporary
        with temporary.open("rb") as handle:
            os.fsync(handle.fileno())
        temporary.replace(path)
    finally:
        temporary.unlink(missing_ok=True)


@contextmanager
def _open(path: str | Path, kind: str) -> Iterator[h5py.File]:
    """Open an HDF5 result for reading, checking that it is what the caller thinks it is."""
    try:
        handle = h5py.File(path, "r")
    except OSError as error:
        raise UserError(
            f"{path}: not a readable HDF5 file ({error}); delete it to make it anew"
        ) from error
    with handle:
        if handle.attrs.get("kind") != kind:
            raise UserError(
                f"{path}: holds {handle.attrs.get('kind', 'unknown data')!r}, not {kind!r}"
            )
        yield handle


def _create(path: Path, kind: str) -> h5py.File:
    handle = h5py.File(path, "w", libver="latest")
    handle.attrs["kind"] = kind
    handle.attrs["stamp"] = json.dumps(stamp.current(), sort_keys=True)
    return handle


def _write_names(handle: h5py.File, name: str, values) -> None:
    handle.create_dataset(name, data=list(values), dtype=h5py.string_dtype())


def _read_names(handle: h5py.File, name: str) -> tuple[str, ...]:
    return tuple(handle[name].asstr()[...])


def _write_attributes(handle, attributes: dict) -> None:
    handle.attrs["attributes"] = json.dumps(attributes, sort_keys=True)


def _read_attributes(handle) -> dict:
    return json.loads(handle.attrs["attributes"])


# --- recordings and predictions -------------------------------------------------------------------


def write_recording(path: str | Path, recording: Recording) -> None:
    """Write a recording, or predictions on a recording's axes; chunked by image."""
    with atomic_path(path) as temporary, _create(temporary, "recording") as handle:
        for name in ("responses", "trials"):
            values = getattr(recording, name)
            if values is not None:
                chunks = (1, *values.shape[1:])
                handle.create_dataset(
                    name, data=values, dtype=np.float32, chunks=chunks, **_COMPRESSION
                )
        _write_names(handle, "image_ids", recording.image_ids)
        _write_names(handle, "site_ids", recording.site_ids)
        _write_attributes(handle, recording.attributes)


def read_recording(path: str | Path) -> Recording:
    """Read what `write_recording` wrote."""
    with _open(path, "recording") as handle:
        return Recording(
            responses=handle["responses"][...],
            image_ids=_read_names(handle, "image_ids"),
            site_ids=_read_names(handle, "site_ids"),
            attributes=_read_attributes(handle),
            trials=handle["trials"][...] if "trials" in handle else None,
        )


# --- stimuli --------------------------------------------------------------------------------------


def write_stimuli(path: str | Path, stimuli: Stimuli) -> None:
    """Write images and their ids; chunked by image."""
    with atomic_path(path) as temporary, _create(temporary, "stimuli") as handle:
        chunks = (1, *stimuli.images.shape[1:])
        handle.create_dataset("images", data=stimuli.images, chunks=chunks, **_COMPRESSION)
        _write_names(handle, "image_ids", stimuli.image_ids)


def read_stimuli(path: str | Path) -> Stimuli:
    """Read what `write_stimuli` wrote."""
    with _open(path, "stimuli") as handle:
        return Stimuli(handle["images"][...], _read_names(handle, "image_ids"))


# --- activations ----------------------------------------------------------------------------------


@dataclass(frozen=True)
class Activations:
    """One model's layers on one set of stimuli; `read` loads one layer at a time.

    `layers` are in order of depth. `attributes` hold timm name, weights digest, preprocessing.
    """

    path: Path
    layers: tuple[str, ...]
    image_ids: tuple[str, ...]
    attributes: dict = field(default_factory=dict)

    @property
    def depths(self) -> dict[str, float]:
        """Relative depth, from 0 to 1, of every layer in order."""
        return {layer["name"]: layer["depth"] for layer in self.attributes["layers"]}

    def read(self, layer: str, images: list[int], reduce: Callable | None = None) -> np.ndarray:
        """Activations (image, h, w, channel) of `images`, in their order.

        `reduce`, if given, is applied to a few images at a time (maps in, arrays out), so that a
        layer that does not fit in memory can be made smaller while it is read.
        """
        with _open(self.path, "activations") as handle:
            dataset = handle["layers"][layer]
            if reduce is None:
                return dataset[...][images]
            size = max(1, _READ_BYTES // dataset[:1].nbytes)
            starts = range(0, len(dataset), size)
            parts = [reduce(dataset[start : start + size]) for start in starts]
        return np.concatenate(parts)[images]


def write_activations(
    path: str | Path, batches, layers: tuple[str, ...], image_ids, attributes: dict, dtype: str
) -> None:
    """Write activations batch by batch, so that memory does not grow with the number of images.

    `batches` yields (first image's index, {layer: array (image, h, w, channel)}); every layer of
    `layers` is written at its own resolution as `dtype` (float16 or float32). A value that is not
    finite raises `UserError` with layer and image.
    """
    with atomic_path(path) as temporary, _create(temporary, "activations") as handle:
        group = handle.create_group("layers")
        for start, arrays in batches:
            for layer in layers:
                with np.errstate(over="ignore"):  # caught below, with the layer's name
                    values = arrays[layer].astype(dtype)
                if layer not in group:
                    group.create_dataset(
                        layer,
                        shape=(len(image_ids), *values.shape[1:]),
                        dtype=dtype,
                        chunks=(1, *values.shape[1:]),
                        **_COMPRESSION,
                    )
                for offset in np.flatnonzero(~np.isfinite(values).reshape(len(values), -1).all(1)):
                    raise UserError(
                        f"{path}: layer {layer!r} has a value that is not finite for image "
                        f"{image_ids[start + offset]!r} (as {dtype}; float16 ends at 65504: "
                        "try activations: {dtype: float32})"
                    )
                group[layer][start : start + len(values)] = values
        handle.attrs["order"] = json.dumps(list(layers))
        _write_names(handle, "image_ids", image_ids)
        _write_attributes(handle, attributes)


def open_activations(path: str | Path) -> Activations:
    """Names, order and attributes of the layers in a file that `write_activations` wrote."""
    with _open(path, "activations") as handle:
        return Activations(
            path=Path(path),
            layers=tuple(json.loads(handle.attrs["order"])),
            image_ids=_read_names(handle, "image_ids"),
            attributes=_read_attributes(handle),
        )


# --- arrays by name (the truth of a simulation) ---------------------------------------------------


def write_arrays(path: str | Path, arrays: dict[str, np.ndarray], attributes: dict) -> None:
    """Write named arrays with attributes."""
    with atomic_path(path) as temporary, _create(temporary, "arrays") as handle:
        for name, values in arrays.items():
            handle.create_dataset(name, data=values, **(_COMPRESSION if np.ndim(values) else {}))
        _write_attributes(handle, attributes)


def read_arrays(path: str | Path) -> tuple[dict[str, np.ndarray], dict]:
    """Read what `write_arrays` wrote: arrays by name (slashes kept) and attributes."""
    arrays = {}
    with _open(path, "arrays") as handle:
        handle.visititems(
            lambda name, item: (
                arrays.update({name: item[...]}) if isinstance(item, h5py.Dataset) else None
            )
        )
        return arrays, _read_attributes(handle)


# --- weights --------------------------------------------------------------------------------------


def write_weights(path: str | Path, state: dict, attributes: dict) -> None:
    """Write a torch state dict as safetensors; `attributes` (JSON values) go into its header."""
    from safetensors.torch import save_file  # noqa: PLC0415 (torch only where it is used)

    tensors = {name: value.detach().cpu().contiguous().clone() for name, value in state.items()}
    header = json.dumps(attributes | {"stamp": stamp.current()}, sort_keys=True)
    with atomic_path(path) as temporary:  # one entry: safetensors writes several in any order
        save_file(tensors, temporary, metadata={"attributes": header})


def read_weights(path: str | Path) -> tuple[dict, dict]:
    """Read what `write_weights` wrote: the state dict and the attributes."""
    from safetensors import SafetensorError, safe_open  # noqa: PLC0415

    try:
        with safe_open(path, framework="pt") as handle:
            attributes = json.loads((handle.metadata() or {}).get("attributes", "{}"))
            attributes.pop("stamp", None)
            return {name: handle.get_tensor(name) for name in handle.keys()}, attributes  # noqa: SIM118
    except (SafetensorError, OSError) as error:
        raise UserError(f"{path}: not a readable safetensors file ({error})") from error


# --- tables ---------------------------------------------------------------------------------------


def write_table(path: str | Path, table: pd.DataFrame) -> None:
    """Write a data frame as Parquet or, by its suffix, as CSV."""
    with atomic_path(path) as temporary:
        if Path(path).suffix == ".csv":
            table.to_csv(temporary, index=False, float_format="%.10g")
        else:
            content = pa.Table.from_pandas(table, preserve_index=False)
            made = {"stamp": json.dumps(stamp.current(), sort_keys=True)}
            content = content.replace_schema_metadata({**(content.schema.metadata or {}), **made})
            parquet.write_table(content, temporary, compression="zstd")


def read_table(path: str | Path) -> pd.DataFrame:
    """Read a Parquet or CSV table."""
    if Path(path).suffix == ".csv":
        return pd.read_csv(path)
    return pd.read_parquet(path)


# --- stamps ---------------------------------------------------------------------------------------


def read_stamp(path: str | Path) -> dict:
    """Rule, code fingerprint and package versions that made a file; empty where none were noted."""
    if Path(path).suffix == ".parquet":
        found = (parquet.read_schema(path).metadata or {}).get(b"stamp", b"{}")
    else:
        with h5py.File(path, "r") as handle:
            found = handle.attrs.get("stamp", "{}")
    return json.loads(found)


def read_attributes(path: str | Path) -> dict:
    """Attributes of an HDF5 result, without its arrays."""
    with h5py.File(path, "r") as handle:
        return _read_attributes(handle)


# --- representational dissimilarity matrices ------------------------------------------------------


def write_rdms(path: str | Path, rdms: Rdms) -> None:
    """Write RDMs: pairs in the order of `numpy.triu_indices(images, 1)`, one row a session."""
    with atomic_path(path) as temporary, _create(temporary, "rdms") as handle:
        handle.create_dataset("rdms", data=rdms.values, dtype=np.float64, **_COMPRESSION)
        _write_names(handle, "image_ids", rdms.image_ids)
        _write_names(handle, "subjects", rdms.subjects)
        _write_attributes(handle, rdms.attributes)


def read_rdms(path: str | Path) -> Rdms:
    """Read what `write_rdms` wrote."""
    with _open(path, "rdms") as handle:
        return Rdms(
            values=handle["rdms"][...],
            image_ids=_read_names(handle, "image_ids"),
            subjects=_read_names(handle, "subjects"),
            attributes=_read_attributes(handle),
        )


# --- photographs with maps of human attention -----------------------------------------------------

_MAP = "map_"  # with the kind of map: a column of float32 bytes, little-endian, row by row


def write_photographs(path: str | Path, photographs: Photographs) -> None:
    """Write one row a photograph: image, jpeg (bytes as published), label if known, maps."""
    columns = {"image": list(photographs.image_ids), "jpeg": list(photographs.jpegs)}
    if photographs.labels is not None:
        columns["label"] = photographs.labels
    for kind, maps in photographs.maps.items():
        columns[_MAP + kind] = [one.astype("<f4").tobytes() for one in maps]
    write_table(path, pd.DataFrame(columns))


def read_photographs(path: str | Path) -> Photographs:
    """Read what `write_photographs` wrote."""
    table = read_table(path)
    kinds = [name.removeprefix(_MAP) for name in table if name.startswith(_MAP)]
    if "jpeg" not in table or not kinds:
        raise UserError(
            f"{path}: holds {', '.join(table)}, not photographs with maps; delete it to make it anew"
        )
    return Photographs(
        image_ids=tuple(table["image"]),
        jpegs=tuple(table["jpeg"]),
        maps={
            kind: np.stack([np.frombuffer(one, "<f4") for one in table[_MAP + kind]]).reshape(
                -1, MAP_SIDE, MAP_SIDE
            )
            for kind in kinds
        },
        labels=table["label"].to_numpy() if "label" in table else None,
    )
