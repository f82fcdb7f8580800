"""Public pages and parts that need both apps: home, therapists, error pages, sitemaps, template context. No rule
about booking or publishing lives here."""
