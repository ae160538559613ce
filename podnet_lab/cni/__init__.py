"""
A Pod network as a CNI plugin: the same steps, for whoever runs containers (CNI specification 1.1.0).

What a runtime asks is in `call.py`, what it is answered in `answer.py`; addresses are given out in `ipam.py`, Pods wired in
`wiring.py`, the six verbs in `plugin.py`. `conflist.py` and `transcript.py` are the other side: a runtime to play with, which
`podnet_lab.lab.cni_runtime` runs on a lab's nodes.
"""
