"""What runs in the child process of an environment: each module drives one program, and imports it."""
