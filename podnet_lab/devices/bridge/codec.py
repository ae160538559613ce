"""A bridge's settings: none that we give it; but it forwards by a table of its own."""

FORWARDS = True
