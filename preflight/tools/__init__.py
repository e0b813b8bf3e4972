"""Local tools that several rooms need: processes and ffmpeg."""
