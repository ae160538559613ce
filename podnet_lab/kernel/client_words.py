"""What went wrong when somebody asked, in words that judges know again. Pure, and light: a lab loads no HTTP for them."""

NO_ANSWER = "no answer"
NO_HTTP = "connected, but no HTTP answer"
"""Somebody took the connection, and what it said was no HTTP, or nothing; what it was follows in brackets."""
