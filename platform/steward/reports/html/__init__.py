"""The compliance report as one HTML file, which needs neither a network nor JavaScript.

Equal reports give equal bytes. Whatever comes from an account is text: it is escaped, and
characters that nobody would see are spelled out.
"""

from steward.reports.html.document import render

__all__ = ["render"]
