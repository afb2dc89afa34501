"""What a builder may be."""

import pytest

from itcortex.errors import UserError
from itcortex.networks.network import Network

pytestmark = [pytest.mark.network, pytest.mark.usefixtures("unharmed")]


def test_a_builder_is_no_way_to_pythons_own_functions():
    for builder in ("os:system", "subprocess:getoutput", "builtins:exec", "shutil:rmtree"):
        with pytest.raises(UserError, match="is of Python itself"):
            Network("x", builder, {"command": "touch owned"}).build()
