"""What several controls read of Lambda, and of the queues that functions use."""
