"""Room 4: what is missing, computed and stored. Imports study, store, methods, generators."""
