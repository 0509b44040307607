"""Room 2: a user's own methods. Imports room 0 and 1; knows no study and no generator."""
