"""What the commands share on the terminal; holds no command itself."""
