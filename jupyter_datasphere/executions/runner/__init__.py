"""The notebook that runs local cells in the project: its source, and the notebook made from it."""
