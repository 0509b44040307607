"""Room 3: the study file. Imports registry, generators.scenario and errors; no results."""
