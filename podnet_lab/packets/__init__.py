"""Captured frames: taken apart, put in order, written down. Pure."""
