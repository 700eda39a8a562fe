"""What the node keeps: the database, its migrations, sealed columns, and one store per area."""
