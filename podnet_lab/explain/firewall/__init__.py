"""
What the firewalls of a namespace do with one packet: `verdict.outcomes` judges, `packet.Packet` is what it judges.

A table of what is judged, and what is named as not judged, stands in docs/firewalls.md.
"""
