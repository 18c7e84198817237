"""What holds for any values, by hypothesis: a file for each module of numerical functions."""
