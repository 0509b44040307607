"""Room 5: measures of anybody's estimates."""
