"""What the server costs and how it masters, always beside others measured in the same run: figures alone say little.

listeners     paced listeners: the servers that are compared, and the tables
crowd         what many listeners cost, and how many there can be
profile       where the CPU time goes; `profiled` is a server that says so
first_packet  how long it takes until something is heard; `latency` asks
requests      HTTP; `http_load` asks
paced         audiences in real time, `load` their connections, `playback` their players
floor         a bare trio server that only writes the same bytes
stock         a bare ASGI app on Hypercorn as it comes
icecast       Icecast with as many bytes
ours          our server by its HTTP
programs      the servers as processes, pinned to CPUs, and what the kernel says of them
music         the tracks that are played
table         rows of medians and ratios
mastering     the benchmark of analysis and mastering
reading       the library while a scan writes; `scanning`, what scans cost, `collection` their libraries
peers         what others do the same with, as programs
"""
