"""What training changed in a network's answers, photograph by photograph.

A training with its network's own labels notes means over the validation photographs. A mean says
nothing of how far photographs differ, so that a comparison of two networks could not draw them: here is
every photograph of the kept weights, shown as in validation.
"""

import pandas as pd
import torch

from itcortex.networks.preprocessing import Preprocessing
from itcortex.training.batches import Judged, load_batches
from itcortex.training.images.samples import Samples
from itcortex.training.own_labels import OwnLabels, divergence

_BATCH = 64


def compare_answers(
    model: torch.nn.Module,
    before: OwnLabels,
    samples: Samples,
    preprocessing: Preprocessing,
    crop: float,
    device: torch.device,
) -> pd.DataFrame:
    """A row for every photograph: `same` is 1 where the first class is that of before, else 0, and
    `divergence` the Kullback-Leibler divergence (nats) of the predictions from those before.

    `crop` is the side of the central square of photographs without a human map; others are seen whole.
    """
    count = len(samples.labels)
    keys = [list(range(start, min(start + _BATCH, count))) for start in range(0, count, _BATCH)]
    parts = []
    model.eval()
    for batch in load_batches(Judged(samples, crop, preprocessing), keys, 0, device):
        images = batch.inputs(preprocessing, device, channels_last=False)
        labels, targets = before(images)
        with torch.no_grad():
            scores = model(images).float()
        same = (scores.argmax(1).cpu() == labels).numpy().astype(float)
        moved = divergence(targets, scores).cpu().numpy().astype(float)
        parts.append(pd.DataFrame({"image": batch.image_ids, "same": same, "divergence": moved}))
    return pd.concat(parts, ignore_index=True)
