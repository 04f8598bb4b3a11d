"""The command line `maasha`: everything it does goes through the regions' HTTP API."""
