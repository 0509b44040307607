"""Room 3: results on disk. Imports room 0; knows no generator, no method and no measure."""
