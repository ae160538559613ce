"""What every test run needs: which tests run where, and notebooks that are compared for certain."""

import importlib.util
import os
import re
import shutil
import tempfile
from functools import cache
from pathlib import Path

import nbval.kernel
import pytest
from programs import installed

from podnet_lab.kubernetes import binaries

pytest_plugins = ["side_by_side"]

ROOT = Path(__file__).parent
ASKED_FOR = {
    "long": "takes minutes; run it with `make test-long`",
    "vagrant": "needs VMs; run it with `make test-vagrant`",
    "kubernetes": "runs a real Kubernetes, which takes minutes; run it with `make test-kubernetes`",
}

PACKAGES = {"nft": "nftables", "dnsmasq": "dnsmasq-base", "etcd": "etcd-server", "bird": "bird2", "iptables": "iptables"}
"""Programs that some lessons need, and Debian's package of each; all else runs without them."""

SERVICES = ("tests/live/test_services.py", "tests/live/test_services_edges.py", "tests/live/test_names.py", "notebooks/07_services.ipynb")

KUBERNETES = "notebooks/13_kubernetes.ipynb"
"""It takes minutes, and compares what a Kubernetes says."""

CNI_PLUGIN = "/usr/lib/cni/host-local"
"""One of Debian's CNI plugins, which are on nobody's path."""

NEEDS = {
    **dict.fromkeys(SERVICES, ("nft", "dnsmasq")),
    "notebooks/08_when_it_does_not_work.ipynb": ("nft",),  # its last case is a firewall
    "notebooks/10_flannel.ipynb": ("nft", "etcd"),
    "notebooks/11_calico.ipynb": ("nft", "bird"),
    "tests/live/test_calico_exercises.py": ("nft", "bird"),
    "notebooks/14_policy.ipynb": ("nft",),
}
"""What needs them, beside tests that are marked with their names."""


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
    can_browse, no_kubernetes = bool(importlib.util.find_spec("playwright") and installed("chromium")), not has_kubernetes()
    for item in items:
        if any(is_in(item, folder) for folder in ("tests/live", "tests/browser", "tests/kubernetes", "notebooks")):
            item.add_marker("lab")
        if is_in(item, "tests/browser"):
            item.add_marker("browser")
        if is_in(item, "tests/vagrant"):
            item.add_marker("vagrant")
        if is_in(item, "tests/kubernetes") or runs_kubernetes(item):
            item.add_marker("kubernetes")
        reasons = [why for mark, why in ASKED_FOR.items() if item.get_closest_marker(mark) and mark not in selected]
        reasons += ["no programs of Kubernetes: make kubernetes"] if no_kubernetes and runs_kubernetes(item) else []
        if item.get_closest_marker("root") and os.geteuid() != 0:
            reasons.append("needs real root")
        if item.get_closest_marker("browser") and not can_browse:
            reasons.append("needs Chromium and Playwright; `make test-browser` gets them")
        if item.get_closest_marker("cni_plugins") and not os.path.exists(CNI_PLUGIN):
            reasons.append("sudo apt install containernetworking-plugins")
        needs = {program for program in PACKAGES if item.get_closest_marker(program)}
        needs = sorted(needs.union(*(programs for file, programs in NEEDS.items() if runs(item, file))))
        reasons += [f"sudo apt install {PACKAGES[program]}" for program in needs if not installed(program)]
        if reasons:
            item.add_marker(pytest.mark.skip(reason=f"{item.name}: {', '.join(reasons)}"))
    refuse_unrun_cells(items)


def is_in(item, folder):
    """Whether a test's file is below a folder of this project."""
    return _is_below(item.path, folder)


@cache  # a file has thousands of tests
def _is_below(path, folder):
    return path.is_relative_to(ROOT / folder)


def runs(item, file):
    """Whether a test is of a file of this project, or opens it in a browser."""
    return is_in(item, file) or any(isinstance(one, Path) and one == ROOT / file for one in _parameters(item))


def _parameters(item):
    return getattr(getattr(item, "callspec", None), "params", {}).values()


def runs_kubernetes(item):
    """Whether a test runs the notebook about Kubernetes, cell by cell or in a browser; others only read it."""
    return is_in(item, KUBERNETES) or (is_in(item, "tests/browser") and runs(item, KUBERNETES))


def has_kubernetes():
    """Whether its programs are on this machine."""
    return bool(os.environ.get(binaries.VARIABLE) or binaries.cached())


def refuse_unrun_cells(items):
    """Stop at a cell saved without having run: nbval runs it, but compares nothing and calls that a pass."""
    cells = [item for item in items if type(item).__name__ == "IPyNbCell"]
    unrun = [cell.nodeid for cell in cells if cell.cell.source.strip() and cell.cell.execution_count is None and not cell.options["skip"]]
    if unrun:
        raise pytest.UsageError(f"these cells were saved without having run; `make notebooks` runs them: {', '.join(unrun)}")
