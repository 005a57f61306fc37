"""What runs inside the user's kernel."""
