"""Head parameters over time: measured, moved, blended, and filled where no face was seen."""
