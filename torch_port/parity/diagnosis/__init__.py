"""Where two programs part, and which change makes the difference vanish."""
