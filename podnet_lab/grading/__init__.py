"""What `podnet grade` does: exercises judged in a running lab, or in the labs of collected notebooks. See docs/teaching.md."""
