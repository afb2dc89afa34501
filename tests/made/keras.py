"""Keras networks without Keras: its layers, channels last, and six networks made of them.

Written from the definitions of the layers (padding 'same', epsilons, orders of axes) and of the
networks in Keras, not from timm's or the converter's: sums over named indices, no transposed kernel.
Weights are drawn when a layer is first called, so that one definition gives the file and the output.
"""

import json
import math
from pathlib import Path

import h5py
import numpy as np
import torch

# --- Keras' layers --------------------------------------------------------------------------------


class Net:
    """Layers by name, with weights drawn by `rng`; without one, shapes only (torch's meta device)."""

    def __init__(self, rng: np.random.Generator | None = None, gain: float = 1.4):
        self.rng, self.gain = rng, gain
        self.layers: dict[str, dict[str, torch.Tensor]] = {}
        self.scope = ""  # a layer that holds layers: Keras lists their weights as its own

    def weight(self, name: str, role: str, shape: tuple[int, ...], fan_in: int = 0) -> torch.Tensor:
        layer, full = self.scope or name, f"{name}/{role}:0"
        weights = self.layers.setdefault(layer, {})
        if full not in weights:
            weights[full] = self._drawn(role, shape, fan_in)
        return weights[full]

    def _drawn(self, role: str, shape: tuple[int, ...], fan_in: int) -> torch.Tensor:
        if self.rng is None:
            return torch.empty(shape, device="meta", dtype=torch.float64)
        if role in ("gamma", "moving_variance"):
            values = self.rng.uniform(0.5, 1.5, shape)
        else:
            scale = self.gain / math.sqrt(fan_in) if fan_in else 0.3
            values = self.rng.normal(0, scale, shape)
        return torch.from_numpy(values.astype(np.float32).astype(np.float64))

    def images(self, count: int, side: int) -> torch.Tensor:
        if self.rng is None:
            return torch.empty(count, side, side, 3, device="meta", dtype=torch.float64)
        return torch.from_numpy(self.rng.normal(size=(count, side, side, 3)))

    def conv(self, x, name, filters, size, strides=1, padding="same", bias=True):
        kernel = self.weight(
            name, "kernel", (size, size, x.shape[-1], filters), size**2 * x.shape[-1]
        )
        x = torch.einsum("bhwckl,klco->bhwo", patches(x, size, strides, padding), kernel)
        return x + self.weight(name, "bias", (filters,)) if bias else x

    def depthwise(self, x, name, size, strides=1, bias=False):
        kernel = self.weight(name, "depthwise_kernel", (size, size, x.shape[-1], 1), size**2)
        x = torch.einsum("bhwckl,klcm->bhwc", patches(x, size, strides, "same"), kernel)
        return x + self.weight(name, "bias", (x.shape[-1],)) if bias else x

    def dense(self, x, name, units, bias=True):
        kernel = self.weight(name, "kernel", (x.shape[-1], units), x.shape[-1])
        x = torch.einsum("...i,io->...o", x, kernel)
        return x + self.weight(name, "bias", (units,)) if bias else x

    def batch_norm(self, x, name, epsilon):
        roles = ("gamma", "beta", "moving_mean", "moving_variance")
        gamma, beta, mean, variance = (self.weight(name, role, x.shape[-1:]) for role in roles)
        return gamma * (x - mean) / torch.sqrt(variance + epsilon) + beta

    def layer_norm(self, x, name, epsilon):
        gamma, beta = (self.weight(name, role, x.shape[-1:]) for role in ("gamma", "beta"))
        mean = x.mean(-1, keepdim=True)
        variance = ((x - mean) ** 2).mean(-1, keepdim=True)
        return gamma * (x - mean) / torch.sqrt(variance + epsilon) + beta


def patches(x, size, strides, padding):
    """(image, row, column, channel, kernel row, kernel column); 'same' is TensorFlow's."""
    if padding == "same":
        pads = []
        for n in (x.shape[2], x.shape[1]):
            total = max((math.ceil(n / strides) - 1) * strides + size - n, 0)
            pads += [total // 2, total - total // 2]
        x = torch.nn.functional.pad(x, (0, 0, *pads))
    elif padding == "torch":  # a layer ZeroPadding2D before, as much on all sides
        x = torch.nn.functional.pad(x, (0, 0, *[size // 2] * 4))
    return x.unfold(1, size, strides).unfold(2, size, strides)


def swish(x):
    return x / (1 + torch.exp(-x))


def sigmoid(x):
    return 1 / (1 + torch.exp(-x))


def relu(x):
    return x.clamp(min=0)


def hard_swish(x):
    return x * (x + 3).clamp(0, 6) / 6


def gelu(x):
    return 0.5 * x * (1 + torch.erf(x / math.sqrt(2)))


def gelu_tanh(x):
    return 0.5 * x * (1 + torch.tanh(math.sqrt(2 / math.pi) * (x + 0.044715 * x**3)))


def heads(x, count):
    """(..., token, head * depth) -> (..., head, token, depth)"""
    return x.reshape(*x.shape[:-1], count, x.shape[-1] // count).movedim(-2, -3)


def attention(query, key, value, bias=0.0):
    """Tokens of all heads side by side: (..., token, head * depth)."""
    scores = torch.einsum("...qd,...kd->...qk", query, key) / math.sqrt(query.shape[-1]) + bias
    found = torch.einsum("...qk,...kd->...qd", torch.softmax(scores, -1), value)
    return found.movedim(-3, -2).flatten(-2)


# --- networks -------------------------------------------------------------------------------------


def vgg16(net, x, widths=(64, 128, 256, 512, 512), hidden=(4096, 4096), classes=1000):
    for b, (width, depth) in enumerate(zip(widths, (2, 2, 3, 3, 3), strict=True), 1):
        for c in range(depth):
            x = relu(net.conv(x, f"block{b}_conv{c + 1}", width, 3))
        x = patches(x, 2, 2, "valid").amax((-1, -2))
    x = x.flatten(1)  # row, column, channel
    for n, units in enumerate(hidden, 1):
        x = relu(net.dense(x, f"fc{n}", units))
    return net.dense(x, "predictions", classes)


def efficientnet_b0(net, x, classes=1000):
    stages = [  # kernel, repeats, out, expansion, strides
        (3, 1, 16, 1, 1), (3, 2, 24, 6, 2), (5, 2, 40, 6, 2), (3, 3, 80, 6, 2), (5, 3, 112, 6, 1),
        (5, 4, 192, 6, 2), (3, 1, 320, 6, 1),
    ]  # fmt: skip
    x = swish(net.batch_norm(net.conv(x, "stem_conv", 32, 3, 2, bias=False), "stem_bn", 1e-3))
    for n, (size, repeats, out, expansion, strides) in enumerate(stages, 1):
        for r in range(repeats):
            name, width, before = f"block{n}{'abcd'[r]}_", x.shape[-1], x
            if expansion > 1:
                x = net.conv(x, name + "expand_conv", width * expansion, 1, bias=False)
                x = swish(net.batch_norm(x, name + "expand_bn", 1e-3))
            x = net.depthwise(x, name + "dwconv", size, strides if r == 0 else 1)
            x = swish(net.batch_norm(x, name + "bn", 1e-3))
            squeezed = swish(
                net.conv(x.mean((1, 2), keepdim=True), name + "se_reduce", width // 4, 1)
            )
            x = x * sigmoid(net.conv(squeezed, name + "se_expand", x.shape[-1], 1))
            x = net.conv(x, name + "project_conv", out, 1, bias=False)
            x = net.batch_norm(x, name + "project_bn", 1e-3)
            if x.shape == before.shape:
                x = x + before
    x = swish(net.batch_norm(net.conv(x, "top_conv", 1280, 1, bias=False), "top_bn", 1e-3))
    return net.dense(x.mean((1, 2)), "probs", classes)  # before the softmax


def convnext(net, x, depths=(3, 3, 9, 3), widths=(96, 192, 384, 768), classes=1000):
    x = net.layer_norm(net.conv(x, "stem_conv", widths[0], 4, 4, "valid"), "stem_ln", 1e-6)
    for s, (depth, width) in enumerate(zip(depths, widths, strict=True), 1):
        if s > 1:
            x = net.layer_norm(x, f"stack{s}_downsample_ln", 1e-6)
            x = net.conv(x, f"stack{s}_downsample_conv", width, 2, 2, "valid")
        for b in range(1, depth + 1):
            name = f"stack{s}_block{b}_"
            y = net.layer_norm(net.depthwise(x, name + "dw_conv", 7, bias=True), name + "ln", 1e-6)
            y = gelu(net.dense(y, name + "up_dense", 4 * width))
            y = net.dense(y, name + "down_dense", width)
            x = x + y * net.weight(name + "gamma", "weight", (width,))
    return net.dense(net.layer_norm(x.mean((1, 2)), "head_ln", 1e-6), "predictions", classes)


def vit(net, x, width=768, depth=12, heads_=12, mlp=3072, patch=16, classes=1000):
    x = net.conv(x, "embedding", width, patch, patch, "valid").flatten(1, 2)
    token = net.weight("class_token", "cls", (1, 1, width)).expand(len(x), -1, -1)
    x = torch.cat([token, x], 1)
    x = x + net.weight("Transformer/posembed_input", "pos_embedding", (1, *x.shape[1:]))
    for n in range(depth):
        net.scope = f"Transformer/encoderblock_{n}"
        inner = f"{net.scope}/MultiHeadDotProductAttention_1/"
        y = net.layer_norm(x, f"{net.scope}/LayerNorm_0", 1e-6)
        q, k, v = (
            heads(net.dense(y, inner + end, width), heads_) for end in ("query", "key", "value")
        )
        x = x + net.dense(attention(q, k, v), inner + "out", width)
        y = net.layer_norm(x, f"{net.scope}/LayerNorm_2", 1e-6)
        y = gelu(net.dense(y, f"{net.scope}/Dense_0", mlp))
        x = x + net.dense(y, f"{net.scope}/Dense_1", width)
    net.scope = ""
    return net.dense(net.layer_norm(x, "Transformer/encoder_norm", 1e-6)[:, 0], "head", classes)


def levit(
    net, x, stem=128, widths=(256, 384), counts=(4, 8, 12), depths=(4, 4, 4), key=16, classes=1000
):
    def normed(x, name, units, act=None):
        x = net.batch_norm(
            net.dense(x, name, units, bias=False), name.removesuffix("_dense") + "_bn", 1e-5
        )
        return act(x) if act else x

    def mlp(x, name):
        y = normed(x, name + "mlp_1_dense", 2 * x.shape[-1], hard_swish)
        return x + normed(y, name + "mlp_2_dense", x.shape[-1])

    def biases(name, side, strides, count):
        """Bias by the distances in rows and columns, whatever their signs: (head, query, key)."""
        table = net.weight(name + "attn_pos", "positional_embedding", (side * side, count))
        far = (torch.arange(0, side, strides)[:, None] - torch.arange(side)).abs()
        place = far[:, None, :, None] * side + far[None, :, None, :]  # row, column; row, column
        return table[place.flatten(2, 3).flatten(0, 1)].movedim(-1, 0)

    for n, width in enumerate((stem // 8, stem // 4, stem // 2, stem), 1):
        x = net.conv(x, f"stem_{n}_conv", width, 3, 2, "torch", bias=False)
        x = net.batch_norm(x, f"stem_{n}_bn", 1e-5)
        x = hard_swish(x) if n < 4 else x
    for s, (count, depth) in enumerate(zip(counts, depths, strict=True), 1):
        side, width = x.shape[1], x.shape[-1]
        for b in range(1, depth + 1):
            name = f"stack{s}_block{b}_"
            every = heads(normed(x.flatten(1, 2), name + "qkv", 4 * key * count), count)
            q, k, v = every.split([key, key, 2 * key], -1)
            y = hard_swish(attention(q, k, v, biases(name, side, 1, count)))
            x = mlp(x + normed(y, name + "out", width).reshape(x.shape), name)
        if s <= len(widths):
            name, fewer = f"stack{s}_downsample_", width // key
            q = heads(normed(x[:, ::2, ::2].flatten(1, 2), name + "q", width), fewer)
            k, v = heads(normed(x.flatten(1, 2), name + "kv", 5 * width), fewer).split(
                [key, 4 * key], -1
            )
            y = hard_swish(attention(q, k, v, biases(name, side, 2, fewer)))
            y = normed(y, name + "out", widths[s - 1])
            x = mlp(y.reshape(len(x), (side + 1) // 2, (side + 1) // 2, -1), name)
    return net.dense(net.batch_norm(x.mean((1, 2)), "head_bn", 1e-5), "head", classes)


def maxvit(net, x, depths=(2, 2, 5, 2), widths=(64, 128, 256, 512), stem=64, classes=1000):
    def normed(x, name):
        return net.batch_norm(x, name, 1e-3)

    def mbconv(x, name, width, strides):
        before, mid = x, 4 * width
        if strides > 1:
            before = patches(x, 2, 2, "valid").mean((-1, -2))
            if x.shape[-1] != width:
                before = net.conv(before, name + "shortcut_conv", width, 1)
        x = normed(x, name + "preact_bn")
        x = gelu_tanh(
            normed(net.conv(x, name + "expand_conv", mid, 1, bias=False), name + "expand_bn")
        )
        x = net.depthwise(x, name + "MB_dw_conv", 3, strides)
        x = gelu_tanh(normed(x, name + "MB_dw_bn"))
        squeezed = swish(net.conv(x.mean((1, 2), keepdim=True), name + "se/1_conv", mid // 16, 1))
        x = x * sigmoid(net.conv(squeezed, name + "se/2_conv", mid, 1))
        return before + net.conv(x, name + "MB_pw_conv", width, 1)

    def windows(x, w, grid):
        """(image, h, w, window's row and column, channel): neighbours, or a grid over the map."""
        b, h, _, c = x.shape
        if grid:
            return x.reshape(b, w, h // w, w, h // w, c).permute(0, 2, 4, 1, 3, 5)
        return x.reshape(b, h // w, w, h // w, w, c).permute(0, 1, 3, 2, 4, 5)

    def back(x, grid):
        x = x.permute(0, 3, 1, 4, 2, 5) if grid else x.permute(0, 1, 3, 2, 4, 5)
        return x.flatten(1, 2).flatten(2, 3)

    def attend(x, name, w, grid):
        width = x.shape[-1]
        count = width // 32
        y = windows(net.layer_norm(x, name + "attn_preact_ln", 1e-5), w, grid)
        y = net.conv(y.reshape(-1, 1, w * w, width), name + "window_mhsa/qkv_conv", 3 * width, 1)
        q, k, v = (heads(part, count) for part in y[:, 0].chunk(3, -1))
        span = 2 * w - 1
        table = net.weight(
            name + "window_mhsa/pos_emb", "positional_embedding", (count, span * span)
        )
        from_key = torch.arange(w)[:, None] - torch.arange(w) + w - 1  # query - key
        place = from_key[:, None, :, None] * span + from_key[None, :, None, :]
        y = attention(q, k, v, table[:, place.flatten(2, 3).flatten(0, 1)])
        y = net.dense(y, name + "window_mhsa/output", width)
        x = x + back(y.reshape(len(x), x.shape[1] // w, x.shape[2] // w, w, w, width), grid)
        y = net.layer_norm(x, name + "ffn_preact_ln", 1e-5)
        y = gelu_tanh(net.dense(y, name + "ffn/1_dense", 4 * width))
        return x + net.dense(y, name + "ffn/2_dense", width)

    window = x.shape[1] // 32
    x = gelu_tanh(normed(net.conv(x, "stem_1_conv", stem, 3, 2), "stem_1_bn"))
    x = net.conv(x, "stem_2_conv", stem, 3)
    for s, (depth, width) in enumerate(zip(depths, widths, strict=True), 1):
        for b in range(1, depth + 1):
            name = f"stack_{s}_block_{b}/"
            x = mbconv(x, name + "mbconv/", width, 2 if b == 1 else 1)
            x = attend(x, name + "block_", window, grid=False)
            x = attend(x, name + "grid_", window, grid=True)
    x = torch.tanh(
        net.dense(net.layer_norm(x.mean((1, 2)), "post_ln", 1e-5), "features", widths[-1])
    )
    return net.dense(x, "predictions", classes)


# --- files ----------------------------------------------------------------------------------------


def listing(net: Net) -> list[str]:
    """What a file of the network's weights holds: layer, weight and shape, sorted."""
    return sorted(
        f"{layer} {weight} {tuple(values.shape)}"
        for layer, weights in net.layers.items()
        for weight, values in weights.items()
    )


def save_weights(net: Net, path: str | Path, config: dict | None = None) -> Path:
    """A file as Keras 2 writes it: `save_weights`, or with `config`, `save`, which adds more."""
    with h5py.File(path, "w") as file:
        root = file
        if config is not None:
            file.attrs["model_config"] = json.dumps(config)
            file.create_dataset("optimizer_weights/SGD/momentum:0", data=np.ones(3))
            root = file.create_group("model_weights")
        root.attrs["layer_names"] = np.array([n.encode() for n in ("input_1", *net.layers)])
        root.attrs["backend"] = b"tensorflow"
        root.create_group("input_1").attrs["weight_names"] = np.array([], dtype="S1")
        root.create_group("top_level_model_weights").attrs["weight_names"] = np.array(
            [], dtype="S1"
        )
        for layer, weights in net.layers.items():
            group = root.create_group(layer)
            names = sorted(weights, key=lambda name: "/LayerNorm_" in name)  # last in ViT's blocks
            group.attrs["weight_names"] = np.array([name.encode() for name in names])
            for name, values in weights.items():
                if net.rng is None:
                    group.create_dataset(
                        name, values.shape, np.float32, chunks=values.ndim > 1 or None
                    )
                else:
                    group.create_dataset(name, data=values.numpy().astype(np.float32))
    return Path(path)
