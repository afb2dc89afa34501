"""The neural harmonizer: train networks that look where people look (Fel et al., NeurIPS 2022)."""

from itcortex.harmonizer.double_backward import double_backward, require_double_backward
from itcortex.harmonizer.loss import LossParts, harmonizer_loss

__all__ = ["LossParts", "double_backward", "harmonizer_loss", "require_double_backward"]
