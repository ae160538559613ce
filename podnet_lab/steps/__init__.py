"""What a person types that is about no interface: a file for each subject, in it a function for each command."""
