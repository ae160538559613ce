"""podnet_lab: Kubernetes Pod networking, wired by hand and verified live."""
