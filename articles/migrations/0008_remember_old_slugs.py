"""Whoever changes an article's address, the old one leads to the new one, in one step."""

from django.db import migrations

FUNCTION = """
CREATE FUNCTION articles_remember_slug() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    DELETE FROM articles_oldslug WHERE slug = NEW.slug;
    INSERT INTO articles_oldslug (slug, article_id) VALUES (OLD.slug, NEW.id)
    ON CONFLICT (slug) DO UPDATE SET article_id = NEW.id;
    RETURN NULL;
END $$;
CREATE TRIGGER remember_slug AFTER UPDATE OF slug ON articles_article
FOR EACH ROW WHEN (OLD.slug IS DISTINCT FROM NEW.slug) EXECUTE FUNCTION articles_remember_slug();
"""
UNDO = "DROP TRIGGER remember_slug ON articles_article; DROP FUNCTION articles_remember_slug();"


class Migration(migrations.Migration):
    dependencies = [("articles", "0007_revisions")]
    operations = [migrations.RunSQL(FUNCTION, UNDO)]
