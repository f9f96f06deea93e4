"""Sound in: files, resampling, log-mel, voice activity."""
