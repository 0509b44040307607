"""What is missing, computed and stored."""
