"""What sound is: formats, blocks of frames, the grid they lie on, encodings, and the one table of file formats.

Nothing here opens a file or makes a sound; every package above may use it, and it knows none of them.
A *frame* is one sample per channel at one instant, and the unit of every position and length inside.
"""
