"""Labels for photographs that have none: what the network itself predicted before it was trained.

The network as it was before the first step is kept, frozen and in evaluation mode, and is shown the very
crops that the training shows. Its softmax is the target of the cross-entropy (distillation, Hinton et
al. 2015, at temperature 1), and the class that it ranks first is the one whose saliency is compared with
the human map. Both are of the crop, not of the whole photograph: a crop may leave out what the whole
photograph shows, and a target that the crop does not show would teach the network something new. Nothing
is drawn at random, so that a training that is continued gets the labels it would have got.

Learning without forgetting (Li & Hoiem 2016) keeps a network's answers in the same way.
"""

import copy

import torch
from torch import nn
from torch.nn import functional


class OwnLabels:
    """A copy of `model` as it is now, which answers for it from now on."""

    def __init__(self, model: nn.Module):
        self.model = copy.deepcopy(model).eval().requires_grad_(False)

    @torch.no_grad()
    def __call__(self, images: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        """First class (image,), on the CPU, and probabilities float32 (image, class) of a batch."""
        scores = self.model(images).float()
        return scores.argmax(1).cpu(), functional.softmax(scores, 1)


def divergence(before: torch.Tensor, scores: torch.Tensor) -> torch.Tensor:
    """Kullback-Leibler divergence in nats (image,) of the predictions of `scores` from those `before`.

    sum(before * (log before - log softmax(scores))) over classes; `before` are probabilities.
    """
    after = functional.log_softmax(scores.float(), 1)
    return functional.kl_div(after, before, reduction="none").sum(1)
