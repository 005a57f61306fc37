"""The service's own language: HTTP and JSON of the DataSphere REST API, no Jupyter."""
