"""One run of remote code, from asking to its last output."""
