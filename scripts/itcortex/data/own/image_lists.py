"""Names of the images that were shown, from the files that list them."""

from collections.abc import Callable
from pathlib import Path

from itcortex.data.own.assembly import image_names
from itcortex.data.published import tvsd

#: Reader of the names (image,), by the format of the list; the registry's `list: format`.
LISTS: dict[str, Callable[[str | Path], tuple[str, ...]]] = {
    "tvsd": lambda path: tvsd.read_images(path).paths,
    "netcdf": image_names,
}
