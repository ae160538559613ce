"""What both ends of an agent's channels agree on: light, since the end that asks needs nothing else of an agent."""

CANCEL = b"cancel"
"""Instead of a call: the one at work is to end, since nobody waits for it any more."""

CREDIT = 64
"""Chunks of a shell's output that may be on their way unread: a cell that prints without end must not fill the notebook's memory."""
