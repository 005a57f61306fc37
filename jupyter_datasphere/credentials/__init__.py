"""Where the IAM token comes from: one module per source, and the chain that picks one."""
