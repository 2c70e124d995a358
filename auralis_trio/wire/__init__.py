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
      |  <----- audio_stream_start ------   |   {follows_stream_id, follows_frames}: from a frame not heard yet
      |  <===== packet, ... =============   |
      |  <----- audio_stream_end completed  |
      |  ------ credit {played} --------->  |   until the last frame has sounded

The play queue, which the server owns and goes on with by itself; any client commands all who play it:

      |  ------ queue {action: set} ----->  |
      |  <----- queue_changed -----------   |
      |  ------ play {credit} ----------->  |   the present entry
      |  <----- audio_stream_start ------   |   {entry_id}
      |  <===== packet, packet, ... =====   |
      |  <----- audio_stream_end completed  |   {next_entry_id}
      |  <----- audio_stream_start ------   |   {entry_id, follows_stream_id}: heard behind the last frame
      |  <===== packet, packet, ... =====   |
      |  ------ credit {played} --------->  |   of the stream before, whose tail still sounds
      |  <----- player_state ------------   |   the next entry, when its first frame sounds
      |  ------ next -------------------->  |   from whichever client
      |  <----- audio_stream_end replaced   |
      |  <----- audio_stream_start ------   |   {follows_stream_id: null}: heard at once
"""
