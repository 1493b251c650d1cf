"""LoRAs: reading every common form of file, and adding them to a network."""
