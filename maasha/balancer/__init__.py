"""Where links, owners and roles go, and when nothing may be done: rules over one snapshot."""
