"""What each answer must do, and what a failure says: one module per notebook."""
