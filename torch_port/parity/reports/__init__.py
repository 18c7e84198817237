"""How a comparison is shown: ten lines on a terminal, a page in a browser, data for programs."""
