"""Programs that live on a node: a file for each says how it is configured, started, found ready and ended. Pure."""
