"""What a phone system recorded: reading it in whatever form it comes, and one normal form for everything after."""
