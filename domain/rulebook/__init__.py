"""The rulebook: versioned configuration of the domain; today its shipped defaults."""
