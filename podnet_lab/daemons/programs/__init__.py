"""Programs that are files of daemons: written on a node, and run there by themselves; nobody imports them."""
