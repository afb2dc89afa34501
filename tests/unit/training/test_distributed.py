"""Processes that work together: what they share, and how they end when one of them fails."""

import time

import pytest
import torch

from itcortex.errors import UserError
from itcortex.training.distributed import Group, launch

pytestmark = [pytest.mark.network, pytest.mark.process]


def share(group: Group, base: int):
    """Everything that a group can do, as rank 0 sees it."""
    print(f"rank {group.rank} of {group.size}")
    total = group.total(torch.tensor([1.0, group.rank]))
    buffer = torch.tensor([base + group.rank])
    group.follow_first([buffer])
    one, nobody = group.any(group.rank == 1), group.any(False)
    return total.tolist(), one, nobody, group.gather((base + group.rank, buffer.item()))


def fail(group: Group, error: type):
    """The second rank fails; the first waits for it inside a collective."""
    if group.rank == 1:
        time.sleep(0.5)
        raise error("planted")
    group.any(True)


def test_a_group_sums_agrees_and_gathers(capfd):
    assert launch(share, (10,), 2, "cpu") == ([2.0, 1.0], True, False, [(10, 10), (11, 10)])
    printed = capfd.readouterr().err
    assert "rank 0 of 2" in printed and "rank 1 of 2" in printed


def test_a_group_of_one_is_the_process_itself():
    assert share(Group(), 10) == ([1.0, 0.0], False, False, [(10, 10)])


@pytest.mark.parametrize(("error", "raised"), [(UserError, UserError), (KeyError, RuntimeError)])
def test_the_rank_that_failed_is_the_one_that_is_named(error, raised):
    with pytest.raises(raised, match=r"(?s)process 2 of 2: .*planted") as found:
        launch(fail, (error,), 2, "cpu")
    assert ("Traceback" in str(found.value)) == (raised is RuntimeError)


@pytest.mark.gpu
def test_more_processes_than_gpus_are_refused():
    """Two ranks on one GPU would wait for each other for ever, or share its memory."""
    there = torch.cuda.device_count()
    message = f"{there + 1} processes need device 'cuda' and as many GPUs; .* torch sees {there}$"
    with pytest.raises(UserError, match=message):
        launch(share, (10,), there + 1, "cuda")
