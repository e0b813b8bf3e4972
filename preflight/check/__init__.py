"""Media -> Report: the rules, pure."""
