"""The examples, as far as they need no provider."""
