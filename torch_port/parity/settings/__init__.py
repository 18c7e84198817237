"""What can be read off both sides before anything runs."""
