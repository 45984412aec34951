"""What Steward costs, beside what else does the same: calls, time, CPU and memory."""
