"""What we are compared with, each a program of its own that runs outside our environment and prints JSON."""
