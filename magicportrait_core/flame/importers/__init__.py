"""Official files into this package's own: one module for each kind of file."""
