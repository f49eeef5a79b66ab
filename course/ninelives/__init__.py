"""Nine Lives: build a Transformer in nine notebooks."""
