"""A user's own data set in, fits out."""
