"""Room 4: performance measures. They know no file and no scenario, only numbers."""
