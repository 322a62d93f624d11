"""Switches of the network itself: dropout, frozen modules, averaged weights, a user's own function."""
