"""The loopback: the interface by which a namespace speaks to itself."""
