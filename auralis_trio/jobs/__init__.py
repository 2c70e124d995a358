"""Long work with progress: each job is one task in somebody else's nursery, and ends with exactly one last event."""
