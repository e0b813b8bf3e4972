"""The job ledger: every intent is durable before its effect."""
