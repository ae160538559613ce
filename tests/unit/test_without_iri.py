"""Nothing of ours makes the grammar of IRIs, which takes a second; whoever wants it has it."""

import importlib.util
import subprocess
import sys

import pytest

pytest.importorskip("nbformat")
if importlib.util.find_spec("rfc3987_syntax") is None:  # importorskip would make the grammar
    pytest.skip("jsonschema knows no IRI here", allow_module_level=True)

SEEN = "import sys; print(any(name.startswith('rfc3987_syntax') for name in sys.modules))"
OURS = {
    "grading": "import podnet_lab.grading.collected",
    "a notebook's cells": "import podnet_lab.grading.notebook_cells",
    "trust": "from pathlib import Path; from podnet_lab.jupyter.trust import trust_shipped; trust_shipped(Path('.'))",
}


def seen(script, folder):
    done = subprocess.run([sys.executable, "-c", f"{script}; {SEEN}"], capture_output=True, text=True, check=True, timeout=60, cwd=folder)
    return done.stdout.split()[-1]


@pytest.mark.parametrize("what", OURS)
def test_what_reads_notebooks_goes_without(what, tmp_path):
    assert seen(OURS[what], tmp_path) == "False"


def test_by_itself_it_is_loaded(tmp_path):
    """If this fails, nothing needs to be done without any more."""
    assert seen("import nbformat", tmp_path) == "True"


def test_who_wants_it_later_has_it(tmp_path):
    wanted = "from podnet_lab.jupyter import without_iri; without_iri.load('nbformat'); import rfc3987_syntax; import jsonschema"
    assert seen(f"{wanted}; assert rfc3987_syntax.is_valid_syntax('iri', 'http://a')", tmp_path) == "True"


def test_notebooks_are_validated_all_the_same(tmp_path):
    wrong = "nbformat.validate({'nbformat': 4, 'nbformat_minor': 5, 'metadata': {}, 'cells': [], 'more': 7})"
    script = f"from podnet_lab.jupyter import without_iri; without_iri.load('nbformat'); import nbformat; {wrong}"
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, timeout=60, cwd=tmp_path, check=False)
    assert "'more' was unexpected" in done.stderr
