"""Many talking faces in one forward: the engine's step for a GPU, for one session or hundreds."""
