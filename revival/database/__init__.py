"""How the site talks to PostgreSQL: connections that detect a hung database, replication, the pool, rights, logging.

Knows no table but the change logs and migrations; queries for rows belong to the apps.
"""
