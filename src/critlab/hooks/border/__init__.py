"""What a loader hands over, in the form that a deficit can be applied to, and back in the loader's own form."""
