"""What awaits me, by role."""
