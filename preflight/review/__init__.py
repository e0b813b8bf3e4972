"""The review page: before and after of each video, its texts with the worst first, and what a person decides."""
