"""A user's own methods."""
