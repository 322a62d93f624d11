"""What several kinds of charts share: axes, filters, labels at lines, the arms and places of a sweep."""
