"""What the unit tests share."""

import json

import pytest
from unit_vms import CONFIG


@pytest.fixture
def on(monkeypatch, tmp_path):
    """Be on the VM of that name, or, with None, on a machine that is none."""

    def be(node):
        path = tmp_path / "lab.json"
        if node:
            path.write_text(json.dumps(CONFIG | {"node": node}))
        monkeypatch.setattr("podnet_lab.backends.vms.CONFIG", path)

    return be
