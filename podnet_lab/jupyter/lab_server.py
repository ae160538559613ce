"""JupyterLab, which is there a second sooner (`podnet_lab.jupyter.without_iri`): ``python -m podnet_lab.jupyter.lab_server …``."""

from podnet_lab.jupyter import without_iri

if __name__ == "__main__":
    without_iri.load("jupyterlab.labapp")
    from jupyterlab.labapp import main

    main()
