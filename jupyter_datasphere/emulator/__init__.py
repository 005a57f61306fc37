"""DataSphere on this machine, with real kernels: for trying, teaching, testing and working offline."""
