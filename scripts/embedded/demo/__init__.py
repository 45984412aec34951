"""The demo: a messy account, the whole stack in it, and a morning of its developers."""
