"""The same calls on many machines, placed and kept alive by Ray."""
