"""tun: an interface whose other end is a program, which reads what goes out of it, and writes what is to come in."""
