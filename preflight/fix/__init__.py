"""Report -> Plan -> Fixed: the smallest change that makes a file pass."""
