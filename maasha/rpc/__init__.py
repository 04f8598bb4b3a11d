"""The wire between racks and regions: AMP commands, the mutual proof, links that notice death."""
