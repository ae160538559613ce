"""Where the nodes live, and how to reach them."""
