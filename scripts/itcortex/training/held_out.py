"""What photographs that judge a training must be: not those it learns from, and enough of them."""

import logging

import numpy as np

from itcortex.errors import UserError
from itcortex.networks.preprocessing import Preprocessing
from itcortex.training.batches import Judged
from itcortex.training.images.samples import Samples, file_of, files_of
from itcortex.training.kept import LEAST_MAPS
from itcortex.training.plan import Data
from itcortex.training.recipe import Recipe
from itcortex.training.validation import aligned_images

_log = logging.getLogger(__name__)


def require_apart(data: Data, recipe: Recipe) -> None:
    """Raise `UserError`, naming file and photograph, if one is trained on and judged by.

    Two are the same if their stored bytes are; those of class folders and tar archives are not read.
    With `labels: given` the published sets are what they are: the log warns of such photographs.
    """
    judged = data.validation.contents()
    for kind in ("labelled", "mapped"):
        learnt = getattr(data, kind)
        first = {one: index for index, one in reversed([*enumerate(learnt.contents())]) if one}
        both = [(first[one], index) for index, one in enumerate(judged) if one in first]
        if not both:
            continue
        seen, shown = _named(learnt, both[0][0]), _named(data.validation, both[0][1])
        message = (
            f"validation: {shown} is the same photograph as {seen} of `{kind}` ({len(both)} such "
            "photographs), and would judge what it was trained on; take it out of one of the files"
        )
        if recipe.labels == "own":
            raise UserError(message)
        _log.warning(message)


def _named(samples: Samples, index: int) -> str:
    return f"{samples.read(index).image_id} ({file_of(samples, index)})"


def require_enough(samples: Samples, recipe: Recipe, preprocessing: Preprocessing) -> None:
    """Raise `UserError` where `samples` are too few for `kept: best_alignment` to choose an epoch by.

    Counted are different photographs among those that alignment is measured on, whose human maps vary,
    as they are shown. Raises for a map that is damaged or not finite, too.
    """
    if recipe.kept != "best_alignment":
        return
    used, content = aligned_images(samples.mapped, recipe.alignment_images), samples.contents()
    shown, different = Judged(samples, recipe.validation_crop, preprocessing), set()
    for index in used:
        item = shown[index]
        if isinstance(item, UserError):
            raise item
        if item.human_map is not None:
            different.add(content[index] or index)
    if len(different) >= LEAST_MAPS:
        return
    remedy = "hold out more photographs"
    if recipe.alignment_images < LEAST_MAPS:
        remedy = f"raise alignment_images from {recipe.alignment_images}"
    raise UserError(
        f"validation: {np.count_nonzero(samples.mapped)} images with a human map "
        f"({files_of(samples)}), of which {len(used)} are used (alignment_images), among them "
        f"{len(different)} different photographs whose maps vary; kept: best_alignment needs at least "
        f"{LEAST_MAPS} to choose an epoch by: {remedy}, or set kept: last"
    )
