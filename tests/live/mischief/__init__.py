"""An outsider's mischief: commands drawn from a grammar, on networks that are not the lesson's, judged by what arrives."""
