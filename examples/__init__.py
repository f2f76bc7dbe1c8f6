"""Examples: data to issue licences from, and a platform that delegates its login."""
