"""Template tag libraries of the project; each only re-exports what a room has registered."""
