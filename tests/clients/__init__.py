"""Foreign clients, as they are published, against a real `trust serve`."""
