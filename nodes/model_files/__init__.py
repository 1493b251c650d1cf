"""Which files of models there are for this host, and which of them a loader takes."""
