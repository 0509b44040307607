"""Data sets as moments; they know no method."""
