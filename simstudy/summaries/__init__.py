"""Measures of anybody's estimates."""
