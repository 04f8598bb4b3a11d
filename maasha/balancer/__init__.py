"""Where racks' links and their owners should be; pure, the shell around it runs on the leader."""
