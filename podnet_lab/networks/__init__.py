"""A folder for each Pod network: its plan, its stages, what one more Pod needs. Pure."""
