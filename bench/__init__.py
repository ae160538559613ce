"""Benchmarks: this library against the kernel's own cost, and against others that wire the same; `make bench`."""
