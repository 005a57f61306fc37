"""How code goes into a project and how outputs come back: one module per channel."""
