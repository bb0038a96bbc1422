"""Public pages: one module for each subject."""
