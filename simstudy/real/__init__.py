"""Room 5: a user's own data set in, fits out. Imports registry, numerics and readers."""
