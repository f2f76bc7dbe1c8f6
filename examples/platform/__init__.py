"""A small platform of another department, whose users sign in at the identity provider."""
