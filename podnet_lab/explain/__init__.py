"""Why A reaches B, or not: pure reasoning over snapshots."""
