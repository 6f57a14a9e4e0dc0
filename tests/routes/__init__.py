"""Routes and views: each module comes from where its route says, and from nowhere else."""
