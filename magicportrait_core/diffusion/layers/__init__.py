"""What every network here is made of: layers, attention, sizes, hooks, a pass's shared values."""
