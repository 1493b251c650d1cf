"""Files of weights: where they lie, what they hold, and the networks they make."""
