"""Governance automations for one AWS account and Region."""
