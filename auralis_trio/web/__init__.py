"""The door: everything that speaks HTTP or WebSocket, and nothing that knows how sound is made."""
