"""The virtual camera through the real v4l2loopback, in a guest of its own."""
