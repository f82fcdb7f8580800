"""A later version of the site, for the drill of migrations: one table changes in two ways."""
