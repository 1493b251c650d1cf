"""Prompts other than the paper's own: words to tokens to text embeddings."""
