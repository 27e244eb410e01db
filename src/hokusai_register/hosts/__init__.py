"""The doors: where inputs come from and where results go."""
