"""Where the tasks are: rendering on demand, one pipeline a stream, one session a client, the hub of sessions.

What comes in are tracks and messages; what goes out are packets and state events. It knows no HTTP: a client is a
`Link`, whatever carries it. Every channel and table in here is bounded.
"""
