"""Tensors of a file find their place by name; by order only where the names do not speak against it."""

import itertools
from pathlib import Path

import pytest
import torch
from safetensors.torch import save_file
from torch import nn

from itcortex.errors import UserError
from itcortex.networks.network import Network
from itcortex.weights.matching import Wanted, match
from itcortex.weights.sources import fetch_state

SIDE = 4
pytestmark = pytest.mark.network

LOOK = {"input_size": [3, 8, 8], "mean": [0.5] * 3, "std": [0.5] * 3, "interpolation": "bilinear"}


def two_maps() -> nn.Module:
    """Two equal linear maps, which nothing but their names tells apart."""
    return nn.ModuleDict({n: nn.Linear(SIDE, SIDE, bias=False) for n in ("a", "b")})


def blocks(shuffled: bool = False) -> nn.Module:
    """A stem and three equal blocks, and an index that the network computes."""
    net = nn.Module()
    net.stem = nn.Linear(SIDE, SIDE)
    net.blocks = nn.ModuleList(nn.Linear(SIDE, SIDE) for _ in range(3))
    net.norm = nn.BatchNorm1d(SIDE)
    index = torch.randperm(5) if shuffled else torch.arange(5)
    net.register_buffer("index", index)
    net.register_buffer("mask", torch.ones(2), persistent=False)
    net.register_buffer("unset", None, persistent=False)
    return net


def made(name: str, **arguments) -> Network:
    """A network of this file."""
    return Network(name, f"{__file__}:{name}", arguments, LOOK)


def fetched(folder: Path, content: dict, network: Network, suffix: str = ".pth", **row):
    """State dict and origin of a file with this content."""
    path = folder / f"w{suffix}"
    save_file(content, path) if suffix == ".safetensors" else torch.save(content, path)
    return fetch_state(f"file:{path}", network, **row)


def same(state: dict, wanted: dict) -> bool:
    """True for the same tensors under the same names, in the same order."""
    return list(state) == list(wanted) and all(torch.equal(state[n], wanted[n]) for n in wanted)


# --- by name --------------------------------------------------------------------------------------


@pytest.mark.parametrize("order", list(itertools.permutations("ab")))
@pytest.mark.parametrize("prefix", ["", "m.", "module.", "module.encoder.", "_orig_mod."])
@pytest.mark.parametrize("suffix", [".pth", ".safetensors"])
def test_two_equal_maps_go_by_name_whatever_the_prefix_and_order(tmp_path, order, prefix, suffix):
    wanted = made("two_maps").build(1).state_dict()
    content = {f"{prefix}{name}.weight": wanted[f"{name}.weight"] for name in order}
    state, origin = fetched(tmp_path, content, made("two_maps"), suffix)
    assert same(state, wanted) and "matched" not in origin


def test_blocks_in_another_order_under_a_prefix_go_by_name(tmp_path):
    wanted = made("blocks").build(1).state_dict()
    content = {f"net.{name}": wanted[name] for name in reversed(wanted)}
    assert same(fetched(tmp_path, content, made("blocks"))[0], wanted)


def test_a_prefix_of_the_network_is_put_before_the_names(tmp_path):
    """The file is of the inner network alone."""
    outer = nn.Module()
    outer.net = two_maps()
    state = {f"{name}.weight": torch.rand(SIDE, SIDE) for name in "ba"}
    found = match(state, Wanted.of(outer), "w.pth")
    assert same(found.state, {f"net.{name}.weight": state[f"{name}.weight"] for name in "ab"})


@pytest.mark.parametrize("suffix", [".pth", ".safetensors"])
def test_counters_and_indices_may_be_there_or_not(tmp_path, suffix):
    """Those that the network computes itself, as Swin's; counters of batch norm are 0 without."""
    network = made("blocks")
    model = network.build(1)
    wanted = model.state_dict()
    lacking = {n: v for n, v in wanted.items() if n not in ("index", "norm.num_batches_tracked")}
    state, _ = fetched(tmp_path, lacking, network, suffix)
    assert same(state, wanted)  # 0 too: the network is new
    assert state["norm.num_batches_tracked"].dtype == torch.long
    more = wanted | {"mask": torch.ones(2)}
    assert same(fetched(tmp_path, more, network, suffix)[0], wanted)


@pytest.mark.parametrize(
    ("mask", "how"),
    [
        (torch.tensor([1.0, 1.5]), r"w\.pth: holds mask \(2,\), .* computes otherwise \(2,\)"),
        (torch.tensor([1.0, 1.01]), r"would be lost; register it with persistent=True"),
        (torch.ones(3), r"holds mask \(3,\), .* otherwise \(2,\)"),
        (torch.tensor([1, 2]), r"holds mask"),
        (torch.tensor([1.0, torch.nan]), r"holds mask"),
    ],
)
def test_a_buffer_that_the_network_would_compute_otherwise_is_not_dropped(tmp_path, mask, how):
    network = made("blocks")
    content = network.build(1).state_dict() | {"mask": mask}
    with pytest.raises(UserError, match=how):
        fetched(tmp_path, {f"m.{name}": value for name, value in content.items()}, network)


def test_a_buffer_that_the_network_computes_alike_is_said_to_be_there(tmp_path, caplog):
    """Rounded to float16, and one that this network has not."""
    caplog.set_level("INFO")
    network = made("blocks")
    wanted = network.build(1).state_dict()
    more = {"mask": torch.ones(2, dtype=torch.float16) + 2**-10, "unset": torch.ones(4)}
    assert same(fetched(tmp_path, wanted | more, network)[0], wanted)
    assert (
        "14 tensors matched by name; mask, which it computes, is as in the file; "
        "unset, which it leaves empty, is not used"
    ) in caplog.text


def test_the_indices_of_a_swin_are_left_out(tmp_path):
    network = Network("swin_tiny_patch4_window7_224")
    model = network.build(1)
    wanted = model.state_dict()
    indices = {n: v for n, v in model.named_buffers() if n not in wanted}
    assert any(name.endswith("relative_position_index") for name in indices)
    assert same(fetched(tmp_path, wanted | indices, network)[0], wanted)


def test_an_index_that_is_drawn_cannot_be_lacking(tmp_path):
    network = made("blocks", shuffled=True)
    content = {n: v for n, v in network.build(1).state_dict().items() if n != "index"}
    with pytest.raises(UserError, match=r"w\.pth: lacks index, which is another one whenever"):
        fetched(tmp_path, content, network)


def test_a_few_wrong_names_are_named_and_not_taken_by_order(tmp_path):
    content = made("blocks").build(1).state_dict()
    content["blocks.7.weight"] = content.pop("blocks.1.weight")
    with pytest.raises(UserError, match=r"lacks \['blocks.1.weight'\].* has \['blocks.7.weight'\]"):
        fetched(tmp_path, content, made("blocks"))


# --- by order -------------------------------------------------------------------------------------


def renamed(state: dict) -> dict:
    """The same tensors under names that share nothing with the network's."""
    parts = {"blocks": "layers", "stem": "first", "norm": "last"}
    return {
        ".".join(parts.get(part, part) for part in name.split(".")): value
        for name, value in state.items()
        if name != "index"
    }


def test_other_names_in_the_same_order_are_taken_and_it_is_said(tmp_path, caplog):
    caplog.set_level("INFO")
    network = made("blocks")
    wanted = network.build(1).state_dict()
    state, origin = fetched(tmp_path, renamed(wanted), network)
    assert same(state, wanted)
    assert origin["matched"].startswith("by order") and "matched by order" in caplog.text


@pytest.mark.parametrize("order", [p for p in itertools.permutations(range(3)) if p != (0, 1, 2)])
def test_other_names_whose_numbers_are_in_another_order_are_refused(tmp_path, order):
    network = made("blocks")
    state = renamed(network.build(1).state_dict())
    ends = ("weight", "bias")
    names = [f"first.{end}" for end in ends]
    names += [f"layers.{block}.{end}" for block in order for end in ends]
    names += [name for name in state if name.startswith("last")]
    assert len(names) == len(state)
    with pytest.raises(UserError, match=r"do not agree with its order.*comes after layers\.\d"):
        fetched(tmp_path, {name: state[name] for name in names}, network)


def test_blocks_that_are_dealt_out_otherwise_are_refused():
    """Encoder and decoder in turn, or one after the other: numbers rise in both, and mean others."""
    target = [f"{kind}.{n}.fc.weight" for n in range(2) for kind in ("down", "up")]
    names = [f"{kind}.{n}.lin.weight" for kind in ("enc", "dec") for n in range(2)]
    wanted = Wanted({name: torch.zeros(2, 2) for name in target})
    with pytest.raises(UserError, match=r"enc\.1\.lin\.weight would become up\.0\.fc\.weight"):
        match({name: torch.rand(2, 2) for name in names}, wanted, "w.pth")


def test_a_module_is_not_torn_apart():
    wanted = Wanted({name: torch.zeros(2) for name in ("a.weight", "b.weight", "b.bias")})
    state = {name: torch.rand(2) for name in ("x.weight", "y.weight", "x.bias")}
    with pytest.raises(UserError, match=r"x\.bias would become b\.bias, and the rest"):
        match(state, wanted, "w.pth")


def test_a_name_that_both_have_goes_nowhere_else():
    """Half of the names are new, and the old ones have moved."""
    wanted = Wanted({f"{name}.weight": torch.zeros(2) for name in "abcd"})
    state = {f"{name}.weight": torch.rand(2) for name in "xbya"}
    with pytest.raises(UserError, match=r"a\.weight would become d\.weight"):
        match(state, wanted, "w.pth")


@pytest.mark.parametrize(
    ("names", "target", "message"),
    [
        ("xy", "ab", "of x and y, which have equal shapes, no number says which is which"),
        (["m.0", "m.1"], "ab", "of a and b, which"),  # the network does not number its own
        ("xy", ["m.0", "m.1"], "of x and y, which"),
        (["m.0.query", "m.0.key"], ["n.0.k", "n.0.q"], r"of m\.0\.query and m\.0\.key, which"),
    ],
)
def test_equal_modules_that_no_number_tells_apart_are_refused(names, target, message):
    """Either order would fit, and give other features."""
    wanted = Wanted({f"{name}.weight": torch.zeros(2, 2) for name in target})
    state = {f"{name}.weight": torch.rand(2, 2) for name in names}
    with pytest.raises(UserError, match=message):
        match(state, wanted, "w.pth")


def test_modules_of_unequal_shapes_need_no_numbers():
    wanted = Wanted({f"{name}.weight": torch.zeros(2, side) for side, name in enumerate("abc", 1)})
    state = {f"{name}.weight": torch.rand(2, side) for side, name in enumerate("xyz", 1)}
    found = match(state, wanted, "w.pth")
    assert found.by_order and list(found.state) == list(wanted.state)
    assert all(torch.equal(a, b) for a, b in zip(found.state.values(), state.values(), strict=True))


def test_a_user_who_knows_the_order_says_so(tmp_path, caplog):
    """What no number tells apart goes by order once the row vouches for it, and provenance has it."""
    caplog.set_level("INFO")
    wanted = made("two_maps").build(1).state_dict()
    content = {name: wanted[like] for name, like in zip("yx", wanted, strict=True)}
    content = {f"{name}.weight": value for name, value in content.items()}
    with pytest.raises(UserError, match="write match_by: order into the model's row"):
        fetched(tmp_path, content, made("two_maps"))
    state, origin = fetched(tmp_path, content, made("two_maps"), match_by="order")
    assert same(state, wanted)
    assert origin["matched"].startswith("by order, as the row's match_by says")
    assert "matched by order, as the row's match_by says" in caplog.text


def test_names_that_fit_are_taken_whatever_the_row_says(tmp_path):
    wanted = made("two_maps").build(1).state_dict()
    content = {f"m.{name}": wanted[name] for name in reversed(wanted)}
    state, origin = fetched(tmp_path, content, made("two_maps"), match_by="order")
    assert same(state, wanted) and "matched" not in origin


def test_blocks_in_falling_order_are_taken_if_the_row_vouches_for_them(tmp_path):
    network = made("blocks")
    wanted = network.build(1).state_dict()
    content = renamed(wanted)
    content = {name.replace("layers.0", "layers.9"): value for name, value in content.items()}
    with pytest.raises(UserError, match=r"comes after layers\.9.* write match_by: order"):
        fetched(tmp_path, content, network)
    assert same(fetched(tmp_path, content, network, match_by="order")[0], wanted)


@pytest.mark.parametrize(
    ("names", "shape", "suffix", "message"),
    [
        ("ba", 4, ".pth", r"does not fit|b\.weight would become a\.weight"),
        ("xy", 3, ".pth", r"x\.weight"),
        ("xy", 4, ".safetensors", "does not keep their order"),
        ("x", 4, ".pth", "1 tensors"),
    ],
)
def test_what_no_row_can_vouch_for(tmp_path, names, shape, suffix, message):
    """Names of the network in other places, other shapes, files without an order, tensors that lack."""
    network = made("two_maps")
    content = {f"{name}.weight": torch.rand(shape, shape) for name in names}
    if names == "ba":
        content |= {"more.weight": content.pop("a.weight")}
    with pytest.raises(UserError, match=message):
        fetched(tmp_path, content, network, suffix, match_by="order")


# --- other kinds of file --------------------------------------------------------------------------


def test_one_parameter_of_two_names_has_one_value():
    tied = two_maps()
    tied["b"].weight = tied["a"].weight
    state = {f"{name}.weight": torch.ones(SIDE, SIDE) for name in "ab"}
    assert same(match(state, Wanted.of(tied), "w.pth").state, state)
    state["b.weight"] = 2 * state["b.weight"]
    with pytest.raises(
        UserError, match=r"w\.pth: a\.weight and b\.weight are one parameter of the"
    ):
        match(state, Wanted.of(tied), "w.pth")


def test_the_count_of_an_averaged_model_is_no_weight(tmp_path):
    """`torch.optim.swa_utils.AveragedModel` keeps it beside the network."""
    wanted = made("two_maps").build(1)
    content = torch.optim.swa_utils.AveragedModel(wanted).state_dict()
    assert "n_averaged" in content
    assert same(fetched(tmp_path, content, made("two_maps"))[0], wanted.state_dict())


# --- quantised ------------------------------------------------------------------------------------


@pytest.mark.parametrize("dtype", [torch.int8, torch.uint8, torch.int32, torch.bool])
@pytest.mark.parametrize("suffix", [".pth", ".safetensors"])
def test_quantised_weights_are_refused(tmp_path, dtype, suffix):
    content = {f"{name}.weight": torch.ones(SIDE, SIDE, dtype=dtype) for name in "ab"}
    with pytest.raises(UserError, match=rf"a\.weight is {dtype}: the weights are quantised"):
        fetched(tmp_path, content, made("two_maps"), suffix)


@pytest.mark.parametrize("dtype", [torch.float16, torch.bfloat16, torch.float64])
def test_floats_of_any_width_are_weights(tmp_path, dtype):
    content = {f"{name}.weight": torch.rand(SIDE, SIDE).to(dtype) for name in "ab"}
    assert same(fetched(tmp_path, content, made("two_maps"))[0], content)


def test_whole_numbers_do_not_stand_for_running_averages(tmp_path):
    content = made("blocks").build(1).state_dict()
    content["norm.running_mean"] = content["norm.running_mean"].to(torch.int16)
    with pytest.raises(
        UserError, match=r"norm\.running_mean holds torch\.int16, .* torch\.float32"
    ):
        fetched(tmp_path, content, made("blocks"))
