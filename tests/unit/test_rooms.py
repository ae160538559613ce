"""Which room may know which other, read from the source; and that what is public says what it is."""

import ast
import re
import subprocess
import sys
from fnmatch import fnmatchcase
from functools import cache
from graphlib import CycleError, TopologicalSorter
from pathlib import Path

import pytest
from house import FILES, HOUSE

PURE_ROOMS = (
    "checks/",
    "daemons/",
    "devices/",
    "explain/",
    "model/",
    "networks/",
    "packets/",
    "policies/",
    "recipes/",
    "services/",
    "steps/",
)
PROGRAMS = ["daemons/programs/forward_ipip.py", "networks/calico/felix.py", "networks/flannel/agent.py"]
"""What runs on a node as a file of a daemon, and is read there as text: nobody imports it, and it imports nothing of the house."""

CNI = ("cni/answer.py", "cni/call.py", "cni/conflist.py", "cni/installation.py", "cni/transcript.py")
PURE = [
    *("errors.py", "plan.py", "cli/step_parser.py", "cli/json_output.py"),
    *(name for name in FILES if name.startswith(PURE_ROOMS) and name not in PROGRAMS),
    *CNI,
]


@cache
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
    assert name.startswith("kernel/") or name in PROGRAMS or not knows(name, "socket", "_socket", "pyroute2", "fcntl", "ctypes")


@pytest.mark.parametrize("name", PROGRAMS)
def test_a_nodes_program_is_by_itself(name):
    module = "podnet_lab." + name.removesuffix(".py").replace("/", ".")
    assert not knows(name, "podnet_lab")
    assert not [other for other in FILES if knows(other, module)]


CODECS = [name for name in FILES if name.startswith("devices/") and name.endswith("/codec.py")]


@pytest.mark.parametrize("name", CODECS)
def test_a_codec_only_encodes_and_decodes(name):
    known = ("podnet_lab.devices.nlattr", "podnet_lab.printable_names")
    assert knows(name, "podnet_lab") <= {one for one in imports(FILES[name]) if one.startswith(known)}


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
    found = imported_by("podnet_lab.kernel.agent_channel")
    assert "podnet_lab.kernel.agent" in found
    assert {one.partition(".")[0] for one in found} - sys.stdlib_module_names == {"podnet_lab"}
    rooms = re.compile(
        r"podnet_lab(\.printable_names|\.node_file_paths|\.kernel(\.unmanaged)?(\.\w+)?|\.devices(\.(codecs|nlattr)|\.\w+(\.codec)?)?)?"
    )
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
    # A step's methods are told once, in steps/base.py; those of a kind of unmanaged state in base.py and objects.py beside it.
    told_elsewhere = name.startswith(("steps/", "devices/", "daemons/steps", "kernel/unmanaged/")) and name != "steps/base.py"
    silent = [what for what, one in public(FILES[name]) if not ast.get_docstring(one) and not (told_elsewhere and "." in what)]
    assert silent == []


@pytest.mark.parametrize("name", FILES)
def test_nobody_raises_a_bare_exception_or_uses_a_shell(name):
    calls = [one for one in ast.walk(FILES[name]) if isinstance(one, ast.Call)]
    assert not [one for one in calls if any(key.arg == "shell" and getattr(key.value, "value", None) for key in one.keywords)]
    raised = [one.exc for one in ast.walk(FILES[name]) if isinstance(one, ast.Raise) and one.exc]
    assert not [one for one in raised if getattr(getattr(one, "func", one), "id", "") in {"Exception", "BaseException", "RuntimeError"}]


class _Imports(ast.NodeVisitor):
    """The modules of this package that a file imports, anywhere in it, but for what is there for type checkers alone."""

    def __init__(self):
        self.modules = set()

    def visit_If(self, node):
        if getattr(node.test, "id", "") == "TYPE_CHECKING":
            for other in node.orelse:
                self.visit(other)
        else:
            self.generic_visit(node)

    def visit_Import(self, node):
        self.modules |= {alias.name for alias in node.names} & set(MODULES)

    def visit_ImportFrom(self, node):
        for alias in node.names:
            module = f"{node.module}.{alias.name}"
            self.modules |= {module if module in MODULES else node.module} & set(MODULES)

    def visit_Call(self, node):
        if getattr(node.func, "id", getattr(node.func, "attr", "")) == "import_module":
            self.modules |= self.named_in(node.args[0])
        self.generic_visit(node)

    @staticmethod
    def named_in(argument):
        """The module that a literal names; every module that fits where a part of it is filled in."""
        parts = [part.value if isinstance(part, ast.Constant) else "*" for part in getattr(argument, "values", [argument])]
        pattern = "".join(map(str, parts))
        return {module for module in MODULES if pattern.startswith("podnet_lab.") and fnmatchcase(module, pattern)}


def module_of(name):
    return ".".join(("podnet_lab", *Path(name).with_suffix("").parts)).removesuffix(".__init__")


MODULES = {module_of(name): name for name in FILES}


def import_graph():
    """Each module, and those that it imports."""
    graph = {}
    for module, name in MODULES.items():
        seen = _Imports()
        seen.visit(FILES[name])
        graph[module] = seen.modules - {module}
    return graph


def room_graph(graph):
    """Each room, and those that it imports from; a file beside the rooms is a room of its own, and the package itself is none."""
    rooms = {}
    for module, imported in graph.items():
        rooms.setdefault(room(module), set()).update({room(other) for other in imported} - {room(module), "podnet_lab"})
    return rooms


def room(module):
    return ".".join(module.split(".")[:2])


def circle(graph):
    """A circle of a graph, as its members in order; empty if there is none."""
    try:
        TopologicalSorter(graph).prepare()
    except CycleError as error:
        return error.args[1]
    return []


def test_circles_are_seen():
    assert circle({"a": {"b"}, "b": {"c"}, "c": {"a"}})
    assert not circle({"a": {"b", "c"}, "b": {"c"}, "c": set()})
    graph = import_graph()
    assert "podnet_lab.exercises.catalogue" in graph["podnet_lab.lab.current_exercise"], "an import in a function counts"
    assert "podnet_lab.widgets.stage_panel" in graph["podnet_lab.lab.notebook_widgets"], "and one by name"
    assert "podnet_lab.lab.lab" not in graph["podnet_lab.lab.node"], "what is there for type checkers does not"


def test_no_module_is_imported_by_what_it_imports():
    assert circle(import_graph()) == []


def test_no_room_is_imported_by_what_it_imports():
    assert circle(room_graph(import_graph())) == []
