"""What runs inside the probe's worker process: standard library only, so that a cold start stays quick.

Nothing here may import the rest of preflight: the worker starts with `-I -S`, an empty environment and tight limits.
"""
