"""A network of one's own whose trunk is known."""

from torch import nn


class Known(nn.Module):
    """A network whose trunk is known: stem, join and head; `left` and `right` are two branches."""

    def __init__(self):
        super().__init__()
        self.stem = nn.Conv2d(3, 8, 2, stride=2)
        self.left = nn.Conv2d(8, 8, 1)
        self.right = nn.Conv2d(8, 8, 1)
        self.join = nn.Identity()
        self.head = nn.Conv2d(8, 16, 1)
        self.act = nn.ReLU(inplace=True)

    def forward(self, images):
        """Branches join; the input's size is used at the end, which is no data."""
        stem = self.stem(images)
        size = images.shape
        joined = self.join(self.left(stem) + self.right(stem))
        head = self.act(self.head(joined))
        return head.reshape(size[0], -1)
