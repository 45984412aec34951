"""The only code that knows boto3."""
