"""What a study found: facts of its summary that simultaneous intervals carry, and their words."""
