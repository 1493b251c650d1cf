"""What lies converted in models/flame, read and written: heads, their parts, trackers' networks."""
