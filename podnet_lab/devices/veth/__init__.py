"""Veth pairs: virtual cables with two ends."""
