"""Bridges: switches made of software."""
