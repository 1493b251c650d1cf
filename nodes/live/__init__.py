"""Pictures that follow the page: what its sliders and scrubbers ask the server for."""
