"""What a run may hold next to its swept deficit: windows, interventions, background deficits, measurements."""
