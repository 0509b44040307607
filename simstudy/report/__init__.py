"""Summary in, tables and figures out. They see the summary, never rows."""
