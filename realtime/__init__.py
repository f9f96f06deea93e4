"""SegTalker Live: speech drives a portrait, live."""
