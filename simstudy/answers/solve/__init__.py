"""Where a measure of a study crosses a target as a field of its scenarios grows."""
