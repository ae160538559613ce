"""Where a lab's nodes live, and how their agents are reached."""
