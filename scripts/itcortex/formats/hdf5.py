"""Groups and datasets of an HDF5 file that need not be trusted.

A file can point at other files: by links, by datasets whose values lie in another file, and by virtual
datasets that are put together from several files. Data published as one file needs none of them.
"""

from collections.abc import Iterator

import h5py

from itcortex.errors import UserError
from itcortex.formats.plausible import SMALL_BYTES, require_plausible


def entries(group: h5py.Group, where: str) -> Iterator[tuple[str, h5py.Group | h5py.Dataset]]:
    """Name and object of everything directly in a group; raises `UserError` for a link."""
    for name in group:
        yield name, entry(group, name, where)


def entry(group: h5py.Group, name: str, where: str) -> h5py.Group | h5py.Dataset:
    """What a group holds under a name; raises `UserError` if that is a link to another place."""
    link = group.get(name, getlink=True)
    if not isinstance(link, h5py.HardLink):
        target = ":".join(filter(None, (getattr(link, "filename", ""), getattr(link, "path", ""))))
        raise UserError(
            f"{where}: refused, {name!r} is a link to {target}; the file must hold its data itself"
        )
    found = group[name]
    return own_values(found, where) if isinstance(found, h5py.Dataset) else found


def own_values(dataset: h5py.Dataset, where: str) -> h5py.Dataset:
    """The dataset, if its values are in its own file and not far larger than what is stored.

    Raises `UserError` otherwise.
    """
    if dataset.external or dataset.is_virtual:
        raise UserError(
            f"{where}: refused, the values of {dataset.name} are in another file; the file must hold "
            "its data itself"
        )
    expanded = dataset.size * dataset.dtype.itemsize if dataset.shape else 0
    if (
        expanded > SMALL_BYTES
    ):  # HDF5 looks through the whole file for the name of what a reference gave
        stored = dataset.id.get_storage_size()
        require_plausible(stored, expanded, f"{where}: {dataset.name}")
    return dataset
