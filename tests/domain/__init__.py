"""What a complaint manager would sign: the rules of the domain as given, when, then."""
