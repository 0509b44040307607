"""Performance measures. They know no file and no scenario, only numbers."""
