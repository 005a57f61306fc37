"""ipywidgets panels. Nothing here imports ipywidgets before a front end shows a panel."""
