"""ipip: a tunnel that carries IPv4 packets in IPv4 packets between hosts (RFC 2003), with nothing between the two headers."""
