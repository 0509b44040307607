"""Room 1: pure functions on arrays. Imports numpy, scipy.special and room 0."""
