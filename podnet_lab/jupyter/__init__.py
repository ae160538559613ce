"""What JupyterLab and a notebook's kernel are given."""
