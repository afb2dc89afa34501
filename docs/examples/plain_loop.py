"""A harmonizer in a plain PyTorch loop."""

import torch

import itcortex


def train(model, batches, epochs, strength=1.0, rate=1e-3, device="cpu"):
    """Train `model`; `batches` yields images, labels, human maps and tokens.

    Images are (image, rgb, row, column), human maps (image, row, column); a token is 1 where an image
    has a human map and 0 where it has none. Returns the mean harmonization of every epoch.
    """
    model = itcortex.prepare_for_harmonizing(model).to(device)
    # the decay is the optimiser's, so that the loss gets none
    optimizer = torch.optim.AdamW(model.parameters(), rate, weight_decay=0.05)
    history = []
    for _ in range(epochs):
        model.train()
        total, count = 0.0, 0
        for images, labels, human_maps, tokens in batches:
            parts = itcortex.harmonizer_loss(
                model, images.to(device), labels, human_maps.to(device), tokens,
                strength=strength, weight_decay=0.0, epsilon="relative",
            )  # fmt: skip
            optimizer.zero_grad()
            parts.backward()
            optimizer.step()
            total, count = total + float(parts.harmonization), count + 1
        history.append(total / count)
    return history
