"""What a user names as a script, turned into streams of its bytes."""
