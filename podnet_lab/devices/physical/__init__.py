"""Network cards: interfaces that a machine came with, to which the kernel gives no kind."""
