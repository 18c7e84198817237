"""What a side is, of either framework, and how it is run."""
