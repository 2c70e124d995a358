"""What there is to play: folders, tracks, albums and artists, kept with Pony in SQLite.

Plain and synchronous: every function opens a session, does its work and ends it before it returns; what comes out are
frozen records. Call them through the database lanes of `offload`, whose few threads keep one connection each.
"""
