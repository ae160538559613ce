"""
State of a node that no step manages, a file for each kind: how it is read as plain data, compared, and brought back.

`podnet_lab.kernel.unmanaged_state` has the list of them; `base.py` says what a kind is.
"""
