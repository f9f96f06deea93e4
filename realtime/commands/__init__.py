"""What the command line does, a file for each kind of command; each is imported when asked for."""
