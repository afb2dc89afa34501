"""The photographs that simulated arrays look at."""

from importlib.util import find_spec
from pathlib import Path

import numpy as np
from PIL import Image

from itcortex.data.images import to_rgb
from itcortex.data.stimuli import Stimuli
from itcortex.errors import UserError

# Natural photographs that ship as files inside installed packages: no network, no licence to ask.
PHOTOGRAPHS = {
    ("skimage", "data"): (
        "astronaut.png", "brick.png", "camera.png", "chelsea.png", "coffee.png", "coins.png",
        "grass.png", "gravel.png", "moon.png", "motorcycle_left.png", "rocket.jpg",
    ),
    ("sklearn", "datasets/images"): ("china.jpg", "flower.jpg"),
    ("matplotlib", "mpl-data/sample_data"): ("grace_hopper.jpg",),
}  # fmt: skip


def photographs(size_px: int = 320) -> Stimuli:
    """Fourteen natural photographs, each cropped to its central square and resized.

    Raises `UserError` if an installed package does not hold a photograph that it used to.
    """
    images = {}
    for (package, folder), names in PHOTOGRAPHS.items():
        spec = find_spec(package)
        for name in names:
            path = Path(spec.submodule_search_locations[0]) / folder / name if spec else None
            if path is None or not path.is_file():
                raise UserError(
                    f"photograph {name!r} is not in the installed package {package!r}; install "
                    "the version that the lock file pins"
                )
            with Image.open(path) as opened:
                image = to_rgb(opened)
            side = min(image.size)
            left, top = (image.width - side) // 2, (image.height - side) // 2
            square = image.crop((left, top, left + side, top + side))
            resized = square.resize((size_px, size_px), Image.Resampling.BICUBIC)
            images[f"{path.stem}.png"] = np.asarray(resized)
    return Stimuli(np.stack(list(images.values())), tuple(images))
