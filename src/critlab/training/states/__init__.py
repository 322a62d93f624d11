"""The state of a network as named arrays, all of it: what a checkpoint holds, and how one sees that it holds enough."""
