"""Who works for whom: where links go, which racks serve a VLAN, and when nobody is to be moved."""
