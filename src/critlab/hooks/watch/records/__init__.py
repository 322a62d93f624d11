"""What a watch records: values, their history, what they say, and where they go."""
