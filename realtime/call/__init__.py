"""A call: a browser's microphone in, the portrait's picture and sound out."""
