"""A folder for each kind of interface, and what is the same for all of them. Pure."""
