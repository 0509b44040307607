"""Everything a person brings in, read by one reader or refused in a line."""
