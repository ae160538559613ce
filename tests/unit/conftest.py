"""What the unit tests share."""

import json

import pytest
from hypothesis import settings
from unit_vms import CONFIG

# A busy machine is slow, and nothing is wrong then: no example has a time of its own.
settings.register_profile("podnet", deadline=None)
settings.load_profile("podnet")


@pytest.fixture
def on(monkeypatch, tmp_path):
    """Be on the VM of that name, or, with None, on a machine that is none."""

    def be(node):
        path = tmp_path / "lab.json"
        if node:
            path.write_text(json.dumps(CONFIG | {"node": node}))
        monkeypatch.setattr("podnet_lab.kernel.vm_config.CONFIG", path)

    return be
