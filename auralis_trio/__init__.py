"""Auralis-Trio: a self-hosted music server that masters a library while it streams.

The way of the sound:

    file > decoder.AudioSource > mastering.render > encoder > wire.packets > web.ws > player/worklet.js
           '------- stream/pipeline: decoder task > bounded memory channel > sender task -------'

The rooms; an import goes only downward:

    cli         the command line: serve | scan | analyze | master | backup | demo
    app         what is opened at the start, in which order, and closed in reverse
    web         the door: guard, routes, transport, the player page
    jobs        long work with progress: the scan, uploads, the analysis of the library, receipts
    stream      where the tasks are: renderer, mastery, pipeline, session, hub
    offload     the one door to threads and worker processes; below it nothing knows of trio
    work        what one thread or process does in one go: probe files, render a chunk
    demo        music made here, for newcomers and tests
    library     what there is to play and what was measured of it (Pony; SQLite or PostgreSQL)
    decoder     file -> Block
    mastering   (Block, Recipe) -> Block
    encoder     Block -> bytes
    wire        what client and server say, without a socket
    analysis    Block -> Profile, and the ledger that gains are solved from
    audio       what sound is: blocks, the grid, encodings, the table of file formats
    config      every setting, once
    fitting     why a value does not fit a record, in plain words
    own_files   opens the files of the data directory, and only regular ones; brings any to the disk
    errors      every error that is raised on purpose, in one tree
"""

import os

# Before numpy is loaded: each thread and process computes by itself, and no product is split by how busy others are.
os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")

__version__ = "0.1.0"
