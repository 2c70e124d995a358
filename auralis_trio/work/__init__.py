"""What one thread or worker process does in one go: probe files, render a chunk. Synchronous, called by `offload`."""
