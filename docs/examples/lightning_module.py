"""A harmonizer as a LightningModule; any Trainer trains it, also with `precision="bf16-mixed"`."""

import lightning
import torch

import itcortex


class Harmonized(lightning.LightningModule):
    """A classifier that learns to look where people look.

    Batches are images, labels, human maps and tokens, as `itcortex.harmonizer_loss` takes them.
    """

    def __init__(self, network, strength=1.0, rate=1e-3, input_size=None):
        super().__init__()
        self.network = itcortex.prepare_for_harmonizing(network, input_size)
        self.strength, self.rate = strength, rate

    def training_step(self, batch, _index):
        """The loss of a batch; Lightning calls `backward`."""
        parts = itcortex.harmonizer_loss(
            self.network, *batch, strength=self.strength, weight_decay=0.0, epsilon="relative"
        )
        self.log("harmonization", parts.harmonization, on_step=False, on_epoch=True)
        self.log("cross_entropy", parts.cross_entropy, on_step=False, on_epoch=True)
        return parts.total

    def validation_step(self, batch, _index):
        """Share of correct answers."""
        images, labels, *_ = batch
        correct = (self.network(images).argmax(1) == labels).float().mean()
        self.log("validation_accuracy", correct)

    def configure_optimizers(self):
        """The decay is the optimiser's, so that the loss gets none."""
        return torch.optim.AdamW(self.parameters(), self.rate, weight_decay=0.05)
