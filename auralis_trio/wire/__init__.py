"""What client and server say to each other: messages, packets, and the rules of the conversation.

Pure functions and values: no socket, no clock, no task. `stream.session` acts on what `Conversation` decides.

    client                                server
      |  ------ connect /ws ------------->  |
      |  <----- hello -------------------   |
      |  ------ play {track_id, credit} ->  |
      |  <----- audio_stream_start ------   |
      |  <===== packet, packet, ... =====   |   never more frames than the credit
      |  ------ credit {frames, played} ->  |   from what was heard
      |  ------ seek {start_frame} ------>  |
      |  <----- audio_stream_end replaced   |
      |  <----- audio_stream_start ------   |   a new stream_id
      |  <===== packet, ... =============   |
      |  ------ enhancement {preset} ---->  |
      |  <===== packet, packet, ... =====   |   the old sound, until the new one is ready
      |  <----- audio_stream_end replaced   |
      |  <----- audio_stream_start ------   |   from a frame that is not heard yet
      |  <===== packet, ... =============   |
      |  <----- audio_stream_end completed  |
"""

from auralis_trio.wire.conversation import Conversation
from auralis_trio.wire.packets import Packet, PacketError, pack_header, parse_packet

__all__ = ["Conversation", "Packet", "PacketError", "pack_header", "parse_packet"]
