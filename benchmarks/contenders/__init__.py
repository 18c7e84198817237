"""Who is measured: each as its own users would write it at its best, a file to a framework."""
