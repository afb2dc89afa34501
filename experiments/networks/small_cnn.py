"""A network of one's own in a file: row `small_cnn` of experiments/own_models.csv.

A file may hold several builders. Each is a function that returns a `torch.nn.Module` without weights;
the column `arguments` of the row has its keyword arguments.
"""

from torch import nn


class SmallCNN(nn.Module):
    """Four convolutions, each at half the resolution of the one before, and a classifier."""

    def __init__(self, width: int, num_classes: int):
        super().__init__()
        channels = [3, width, 2 * width, 4 * width, 8 * width]
        self.blocks = nn.Sequential(*map(self._block, channels[:-1], channels[1:]))
        self.head = nn.Linear(channels[-1], num_classes)

    @staticmethod
    def _block(n_in: int, n_out: int) -> nn.Module:
        convolution = nn.Conv2d(n_in, n_out, 3, stride=2, padding=1, bias=False)
        return nn.Sequential(convolution, nn.BatchNorm2d(n_out), nn.ReLU())

    def forward(self, images):
        """Class scores (image, class) of images (image, rgb, row, column)."""
        return self.head(self.blocks(images).mean((2, 3)))


def build(width: int = 16, num_classes: int = 1000) -> nn.Module:
    """The network that the row asks for."""
    return SmallCNN(width, num_classes)
