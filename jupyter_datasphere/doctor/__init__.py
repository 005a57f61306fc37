"""`jupyter datasphere doctor`: whether a project can be used from here, and why not."""
