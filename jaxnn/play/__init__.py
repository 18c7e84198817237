"""The playground of `jaxnn play`: a page on which a network is drawn to, trained and watched."""
