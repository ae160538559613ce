"""environment.yml, requirements.txt and pyproject.toml say the same; no file names a registry's address."""

import copy
import re
import tomllib
from pathlib import Path

import pytest
import yaml
from packaging.requirements import Requirement
from packaging.specifiers import SpecifierSet
from packaging.utils import canonicalize_name
from rattler import MatchSpec
from rattler.exceptions import InvalidMatchSpecError

ROOT = Path(__file__).parents[2]
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
ENVIRONMENT = yaml.safe_load((ROOT / "environment.yml").read_text())
PINS = (ROOT / "requirements.txt").read_text()
BROWSER_PINS = (ROOT / "requirements-browser.txt").read_text()

SPEC = re.compile(r"(?P<name>[a-z0-9][a-z0-9._-]*)( (?P<bounds>[<>=!][^ ]*))?")
"""A conda spec as we write them; MatchSpec alone takes `bad name >=1` for the package `bad`."""
ADDRESS = re.compile(r"https?://|file:|index-url|find-links|trusted-host")
CONFIG = ["pyproject.toml", "requirements*.txt", "environment.yml", "Makefile", "conftest.py", ".ci/run", ".github/workflows/*", "tools/*"]


def bounds(texts):
    """Bounds by name."""
    requirements = map(Requirement, texts)
    return {canonicalize_name(requirement.name): requirement.specifier for requirement in requirements}


def asked():
    """What pyproject.toml asks for: bounds by name."""
    unmanaged_state = PROJECT["optional-dependencies"]
    return bounds([*PROJECT["dependencies"], *unmanaged_state["notebooks"], *unmanaged_state["test"]])


def conda_specs(environment, problems):
    """Bounds by name of the conda packages; what can't be read is added to the problems."""
    found = {}
    for text in environment["dependencies"]:
        if isinstance(text, dict):
            continue
        try:
            MatchSpec(text)
            match = SPEC.fullmatch(text)
            found[match["name"]] = SpecifierSet(match["bounds"] or "")
        except (InvalidMatchSpecError, TypeError, ValueError):  # TypeError: the pattern matched nothing
            problems.append(f"not a conda spec: {text}")
    return found


def environment_problems(environment):
    """What is wrong with an environment.yml, in words; nothing is fine."""
    problems = [f"key: {key}" for key in environment.keys() ^ {"name", "channels", "dependencies"}]
    if environment.get("channels") != ["conda-forge", "nodefaults"]:
        problems.append(f"channels: {environment.get('channels')}")
    found = conda_specs(environment, problems)
    wanted = asked() | {"python": SpecifierSet(PROJECT["requires-python"]), "pip": SpecifierSet()}
    for name in found.keys() | wanted.keys():
        if found.get(name) != wanted.get(name):
            problems.append(f"{name}: conda {found.get(name)}, pyproject {wanted.get(name)}")
    if [part for part in environment["dependencies"] if isinstance(part, dict)] != [{"pip": ["-e ."]}]:
        problems.append("pip: only the project itself, `-e .`")
    return problems


def pin_problems(text, wanted):
    """What is wrong with a requirements.txt, in words; nothing is fine."""
    lines = [line for line in text.splitlines() if line and not line.startswith("#")]
    pins = dict(re.findall(r"(?m)^([A-Za-z0-9._-]+)==([0-9][A-Za-z0-9.]*)$", "\n".join(lines)))
    problems = [f"not a pin: {line}" for line in lines if line.partition("==")[0] not in pins]
    pins = {canonicalize_name(name): version for name, version in pins.items()}
    for name, within in wanted.items():
        if name not in pins or pins[name] not in within:
            problems.append(f"{name}: {pins.get(name, 'absent')} is not {within}")
    return problems


def test_conda_users_get_what_pip_users_get():
    assert environment_problems(ENVIRONMENT) == []


def test_pins_are_within_the_bounds():
    assert pin_problems(PINS, asked()) == []
    assert pin_problems(BROWSER_PINS, bounds(PROJECT["optional-dependencies"]["browser"])) == []


def test_students_need_not_install_what_only_a_browser_needs():
    pinned = [{line.partition("==")[0] for line in pins.splitlines() if "==" in line} for pins in (PINS, BROWSER_PINS)]
    assert "playwright" in pinned[1]
    assert not pinned[0] & pinned[1]


@pytest.mark.parametrize("pattern", CONFIG)
def test_no_file_names_a_registry(pattern):
    files = [path for path in ROOT.glob(pattern) if path.is_file()]
    assert files
    assert [path.name for path in files if ADDRESS.search(path.read_text())] == []


@pytest.mark.parametrize(
    ("old", "new", "complaint"),
    [
        ("click >=8.1", "click >=8", "click: conda >=8, pyproject >=8.1"),
        ("click >=8.1", "clock >=8.1", "clock: conda >=8.1, pyproject None"),
        ("click >=8.1", "click >=8.1,,<", "not a conda spec: click >=8.1,,<"),
        ("click >=8.1", "click==", "not a conda spec: click=="),
        ("click >=8.1", "bad name >=8.1", "not a conda spec: bad name >=8.1"),
        ("click >=8.1", None, "click: conda None, pyproject >=8.1"),
        ("python >=3.11", "python >=3.10", "python: conda >=3.10, pyproject >=3.11"),
        ("pip", None, "pip: conda None, pyproject "),
    ],
)
def test_a_wrong_conda_spec_is_found(old, new, complaint):
    broken = copy.deepcopy(ENVIRONMENT)
    place = broken["dependencies"].index(old)
    broken["dependencies"][place : place + 1] = [new] if new else []
    assert complaint in environment_problems(broken)


@pytest.mark.parametrize(
    ("change", "complaint"),
    [
        ({"channels": ["conda-forge", "defaults"]}, "channels: ['conda-forge', 'defaults']"),
        ({"prefix": "/opt/env"}, "key: prefix"),
        ({"dependencies": [*ENVIRONMENT["dependencies"], {"pip": ["rich"]}]}, "pip: only the project itself, `-e .`"),
    ],
)
def test_a_wrong_part_is_found(change, complaint):
    assert complaint in environment_problems(ENVIRONMENT | change)


@pytest.mark.parametrize(
    ("old", "new", "complaint"),
    [
        (r"click==.*", "click==7.0", "click: 7.0 is not >=8.1"),
        (r"click==.*\n", "", "click: absent is not >=8.1"),
        (r"click==.*", "click>=8.1", "not a pin: click>=8.1"),
        (r"click==.*", "-e .", "not a pin: -e ."),
        (r"click==.*", "click @ file:///wheels/click.whl", "not a pin: click @ file:///wheels/click.whl"),
    ],
)
def test_a_wrong_pin_is_found(old, new, complaint):
    broken = re.sub(f"(?m)^{old}", new, PINS)
    assert broken != PINS
    assert complaint in pin_problems(broken, asked())


@pytest.mark.parametrize("text", ["--extra-index-url x", "https://a", "http://a", "--find-links x", "-e file:///x"])
def test_an_address_is_found(text):
    assert ADDRESS.search(text)
