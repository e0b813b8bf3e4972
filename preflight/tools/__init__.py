"""Processes, ffmpeg, packets, containers and files: what several packages use of this machine."""
