"""The methods section: facts of a study, the templates that say them, and the works they cite."""
