"""Where pictures and sound go."""
