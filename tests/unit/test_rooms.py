"""Which room may know which other, read from the source; and that what is public says what it is."""

import ast
import re
import subprocess
import sys
from pathlib import Path

import pytest

import podnet_lab

HOUSE = Path(podnet_lab.__file__).parent
FILES = {str(path.relative_to(HOUSE)): ast.parse(path.read_text()) for path in sorted(HOUSE.rglob("*.py"))}
PURE_ROOMS = ("checks/", "devices/", "explain/", "model/", "networks/", "packets/", "recipes/", "services/", "steps/")
PURE = ["errors.py", "plan.py", "cli/step_parser.py", "cli/json_output.py", *(name for name in FILES if name.startswith(PURE_ROOMS))]


def imports(tree):
    """Every module that is imported anywhere in a file, with its names: a.b and a.b.c for ``from a.b import c``."""
    found = set()
    for one in ast.walk(tree):
        if isinstance(one, ast.Import):
            found |= {alias.name for alias in one.names}
        elif isinstance(one, ast.ImportFrom):
            assert one.level == 0, "imports are absolute"
            found |= {one.module, *(f"{one.module}.{alias.name}" for alias in one.names)}
    return found


def knows(name, *rooms):
    return {one for one in imports(FILES[name]) if any(one == room or one.startswith(f"{room}.") for room in rooms)}


def test_the_house_was_found():
    assert {"devices/veth/steps.py", "kernel/netlink.py", "explain/path.py"} <= set(FILES)
    assert knows("kernel/netlink.py", "socket")


@pytest.mark.parametrize("name", FILES)
def test_only_the_kernels_room_opens_sockets_or_speaks_netlink(name):
    assert name.startswith("kernel/") or not knows(name, "socket", "_socket", "pyroute2", "fcntl", "ctypes")


CODECS = [name for name in FILES if name.startswith("devices/") and name.endswith("/codec.py")]


@pytest.mark.parametrize("name", CODECS)
def test_a_codec_only_encodes_and_decodes(name):
    assert knows(name, "podnet_lab") <= {one for one in imports(FILES[name]) if one.startswith("podnet_lab.kernel.attributes")}


@pytest.mark.parametrize("name", [name for name in PURE if name not in CODECS])
def test_a_pure_room_knows_no_view_no_lab_and_no_kernel(name):
    assert not knows(name, "podnet_lab.show", "podnet_lab.lab", "podnet_lab.kernel", "podnet_lab.cli", "IPython", "ipywidgets", "execnet")
    assert not knows(name, "subprocess", "threading", "asyncio", "pathlib", "tempfile", "time", "random")


@pytest.mark.parametrize("name", [name for name in FILES if name.startswith("kernel/")])
def test_the_kernels_room_knows_no_lab_and_no_view(name):
    assert not knows(name, "podnet_lab.show", "podnet_lab.lab", "podnet_lab.cli", "IPython", "execnet", "pyroute2")


@pytest.mark.parametrize("name", [name for name in FILES if not name.startswith("widgets/")])
def test_nobody_but_the_widgets_know_their_libraries(name):
    assert not knows(name, "ipywidgets", "anywidget", "traitlets")


@pytest.mark.parametrize("name", [name for name in FILES if not name.startswith(("show/", "widgets/"))])
def test_nobody_but_the_view_knows_notebooks(name):
    assert not knows(name, "IPython", "ipywidgets", "anywidget")


def imported_by(module):
    """What a bare interpreter has imported after *module*: no site, so nothing but what it asks for."""
    start = f"import sys; sys.path.insert(0, {str(HOUSE.parent)!r}); before = set(sys.modules)"
    script = f"{start}; import {module}; print(*sys.modules.keys() - before)"
    ran = subprocess.run([sys.executable, "-I", "-S", "-c", script], capture_output=True, text=True, check=True)
    return set(ran.stdout.split())


def test_the_agent_starts_with_the_standard_library_alone():
    pytest.importorskip("fcntl", reason="podnet_lab.kernel needs a Unix")
    found = imported_by("podnet_lab.kernel.agent")
    assert "podnet_lab.kernel.agent" in found
    assert {one.partition(".")[0] for one in found} - sys.stdlib_module_names == {"podnet_lab"}
    rooms = re.compile(r"podnet_lab(\.kernel(\.\w+)?|\.devices(\.codecs|\.\w+(\.codec)?)?)?")
    assert [one for one in found if one.startswith("podnet_lab") and not rooms.fullmatch(one)] == []
    assert not found & {"ipaddress", "asyncio", "dataclasses", "typing_extensions", "multiprocessing"}


def test_the_pure_rooms_start_with_the_standard_library_alone():
    found = imported_by(
        "podnet_lab.recipes, podnet_lab.checks, podnet_lab.recipes.reconcile, podnet_lab.recipes.results, podnet_lab.explain.path"
    )
    assert {one.partition(".")[0] for one in found} - sys.stdlib_module_names == {"podnet_lab"}
    assert not found & {"socket", "subprocess", "podnet_lab.kernel", "podnet_lab.lab", "podnet_lab.show"}


def public(tree, where=""):
    """(name, node) of each public class, function and method; not those inside functions, nor magic methods."""
    for one in tree.body:
        if isinstance(one, ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef) and not one.name.startswith("_"):
            yield f"{where}{one.name}", one
            if isinstance(one, ast.ClassDef):
                yield from public(one, f"{one.name}.")


@pytest.mark.parametrize("name", FILES)
def test_whatever_is_public_says_what_it_is(name):
    assert ast.get_docstring(FILES[name]), "a module says what it is"
    # A step's methods are told once, in steps/base.py.
    told_elsewhere = name.startswith(("steps/", "devices/")) and name != "steps/base.py"
    silent = [what for what, one in public(FILES[name]) if not ast.get_docstring(one) and not (told_elsewhere and "." in what)]
    assert silent == []


@pytest.mark.parametrize("name", FILES)
def test_nobody_raises_a_bare_exception_or_uses_a_shell(name):
    calls = [one for one in ast.walk(FILES[name]) if isinstance(one, ast.Call)]
    assert not [one for one in calls if any(key.arg == "shell" and getattr(key.value, "value", None) for key in one.keywords)]
    raised = [one.exc for one in ast.walk(FILES[name]) if isinstance(one, ast.Raise) and one.exc]
    assert not [one for one in raised if getattr(getattr(one, "func", one), "id", "") in {"Exception", "BaseException", "RuntimeError"}]
