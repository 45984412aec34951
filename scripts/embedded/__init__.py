"""An AWS account without AWS: moto, made faithful where it is not, and counted."""
