"""What every test run needs: which tests run where, and notebooks that are compared for certain."""

import importlib.util
import os
import re
import shutil
import tempfile
from pathlib import Path

import nbval.kernel
import pytest

pytest_plugins = ["side_by_side"]

ROOT = Path(__file__).parent
ASKED_FOR = {
    "long": "takes minutes; run it with `make test-long`",
    "vagrant": "needs VMs; run it with `make test-vagrant`",
}

NEEDS = {"nft": "nftables", "dnsmasq": "dnsmasq-base"}
"""Programs that Services need, and Debian's package of each; all else runs without them."""

SERVICES = ("tests/live/test_services.py", "tests/live/test_services_edges.py", "tests/live/test_names.py", "notebooks/07_services.ipynb")

FIREWALL = ("notebooks/08_when_it_does_not_work.ipynb",)
"""What needs nft alone: its last case is a firewall."""


def pytest_configure():
    """Give nbval's kernels an environment in which cells behave as they do in JupyterLab."""
    start = nbval.kernel.start_new_kernel

    def start_new_kernel(*args, **kwargs):
        environment = {**os.environ, "PYTHONHASHSEED": "0"}
        environment.pop("PYTEST_CURRENT_TEST", None)  # with it, ipykernel does not show what a cell's child processes print
        return start(*args, env=environment, **kwargs)

    nbval.kernel.start_new_kernel = start_new_kernel
    # What exercises keep in one's home is kept apart: it is the home of whoever runs the tests.
    os.environ["XDG_STATE_HOME"] = tempfile.mkdtemp(prefix="podnet-tests-")


def pytest_unconfigure():
    """Nothing of it stays."""
    shutil.rmtree(os.environ.pop("XDG_STATE_HOME"), ignore_errors=True)


def pytest_collection_modifyitems(config, items):
    """Mark what opens a lab, skip what can't or shouldn't run here, and refuse cells that nbval would not compare."""
    selected = set(re.findall(r"\w+", config.option.markexpr))
    for item in items:
        if any(is_in(item, folder) for folder in ("tests/live", "tests/browser", "notebooks")):
            item.add_marker("lab")
        if is_in(item, "tests/browser"):
            item.add_marker("browser")
        if is_in(item, "tests/vagrant"):
            item.add_marker("vagrant")
        reasons = [why for mark, why in ASKED_FOR.items() if item.get_closest_marker(mark) and mark not in selected]
        if item.get_closest_marker("root") and os.geteuid() != 0:
            reasons.append("needs real root")
        if item.get_closest_marker("browser") and not (importlib.util.find_spec("playwright") and shutil.which("chromium")):
            reasons.append("needs Chromium and Playwright; `make test-browser` gets them")
        nft = item.get_closest_marker("nft") or any(runs(item, file) for file in FIREWALL)
        needs = list(NEEDS) if any(runs(item, file) for file in SERVICES) else ["nft"] if nft else []
        path = f"{os.environ.get('PATH', '')}:/usr/sbin:/sbin"
        reasons += [f"sudo apt install {NEEDS[program]}" for program in needs if not shutil.which(program, path=path)]
        if reasons:
            item.add_marker(pytest.mark.skip(reason=f"{item.name}: {', '.join(reasons)}"))
    refuse_unrun_cells(items)


def is_in(item, folder):
    """Whether a test's file is below a folder of this project."""
    return item.path.is_relative_to(ROOT / folder)


def runs(item, file):
    """Whether a test is of a file of this project, or opens it in a browser."""
    return is_in(item, file) or ROOT / file in getattr(getattr(item, "callspec", None), "params", {}).values()


def refuse_unrun_cells(items):
    """Stop at a cell saved without having run: nbval runs it, but compares nothing and calls that a pass."""
    cells = [item for item in items if type(item).__name__ == "IPyNbCell"]
    unrun = [cell.nodeid for cell in cells if cell.cell.source.strip() and cell.cell.execution_count is None and not cell.options["skip"]]
    if unrun:
        raise pytest.UsageError(f"these cells were saved without having run; `make notebooks` runs them: {', '.join(unrun)}")
