"""AWS Config, as far as rules go: moto keeps rules, but evaluates none and keeps no results."""
