"""Trainings compared, step by step and as a whole."""
