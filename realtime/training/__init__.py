"""Data making and training loops; never imported by the live path."""
