"""A real container runtime on a lab's nodes: containerd, images made on the spot, and its CRI as a kubelet calls it."""
