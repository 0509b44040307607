"""A study's lock: what was planned before it was run, and what became otherwise."""
