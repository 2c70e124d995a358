"""What the server costs and how it masters, always beside others measured in the same run: figures alone say little.

stream     the measurements and their table
load       WebSocket clients that count and copy nothing
http_load  HTTP clients on connections that stay open
floor      a bare trio server that only writes the same bytes
stock      a bare ASGI app on Hypercorn as it comes
programs   the servers as processes, each pinned to a CPU, and what the kernel says of them
music      the tracks that are played
table      rows of medians and ratios
mastering  the benchmark of analysis and mastering
peers      what those are compared with, as programs
"""
