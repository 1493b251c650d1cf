"""What a node knows of the graph it runs in: its prompt, wires, progress, notes, what it leaves."""
