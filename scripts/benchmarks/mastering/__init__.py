"""Mastering beside its peers, on the same tracks in the same run.

report    the sections, and what each prints
corpus    the music
tasks     what is measured of ours, each task in a process of its own
stages    where the time of a chunk goes
rivals    what is measured of the peers
delivery  whether what was promised is what independent meters read
ticker    how late the event loop is while every core masters
runs      programs run to their end, with what they took
metered   the small process that watches one of them
"""
