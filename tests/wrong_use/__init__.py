"""Wrong uses of every public function, made from their signatures."""
