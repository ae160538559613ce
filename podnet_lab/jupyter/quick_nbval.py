"""A plugin of pytest that loads what nbval needs in a tenth of the time (`without_iri`): ``pytest -p podnet_lab.jupyter.quick_nbval``."""

from podnet_lab.jupyter import without_iri

without_iri.load("nbformat")
