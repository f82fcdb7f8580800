"""The words of public texts, by which a search corrects mistyped ones, follow the site's revision."""

from django.contrib.postgres.indexes import GinIndex, OpClass
from django.db import migrations, models

# What did not change stays as it is, so a change of an address or an opening hour writes nothing here.
REBUILD = """
CREATE FUNCTION articles_rebuild_words() RETURNS void LANGUAGE sql AS $$
    WITH document (text, public_from, public_until) AS (
        SELECT concat_ws(' ', title, subtitle, description, left(lead, 50000), left(in_short, 50000)),
            published_at, expires_at FROM articles_article WHERE stage = 'published'
        UNION ALL SELECT heading || ' ' || left(body, 50000), published_at, expires_at
            FROM articles_section JOIN articles_article AS article ON article.id = article_id
            WHERE stage = 'published'
        UNION ALL SELECT question || ' ' || left(answer, 50000), published_at, expires_at
            FROM articles_question LEFT JOIN articles_article AS article ON article.id = article_id
            WHERE article_id IS NULL OR stage = 'published'
        UNION ALL SELECT left(concat_ws(' ', call_911, call_doctor, search_words), 50000), NULL, NULL
            FROM booking_urgenthelp
        UNION ALL SELECT left(concat_ws(' ', avoid, ask_first, search_words), 50000), NULL, NULL FROM booking_caution
    ), fresh (word, stem, texts, public_from, public_until) AS MATERIALIZED (
        SELECT lexeme, plainto_tsquery('english', lexeme)::text, count(*),
            CASE WHEN public_from > now() THEN public_from END, public_until
        FROM document, unnest(to_tsvector('simple', text))
        WHERE (public_until IS NULL OR public_until > now()) AND length(lexeme) <= 100
        GROUP BY 1, 4, 5
    ), gone AS (
        DELETE FROM articles_word AS old WHERE NOT EXISTS (
            SELECT FROM fresh WHERE fresh.word = old.word AND
            (fresh.texts, fresh.public_from, fresh.public_until)
            IS NOT DISTINCT FROM (old.texts, old.public_from, old.public_until)
        )
    )
    INSERT INTO articles_word (word, stem, texts, public_from, public_until)
    SELECT * FROM fresh EXCEPT SELECT word, stem, texts, public_from, public_until FROM articles_word;
$$;
"""
# Once for each transaction, at its end, since only the last number of it is still the current one then.
FOLLOW = """
CREATE FUNCTION articles_rebuild_words_at_the_end() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF NEW.number = (SELECT number FROM articles_siterevision WHERE id = NEW.id) THEN
        PERFORM articles_rebuild_words();
    END IF;
    RETURN NULL;
END $$;
CREATE CONSTRAINT TRIGGER rebuild_words AFTER INSERT OR UPDATE ON articles_siterevision
DEFERRABLE INITIALLY DEFERRED FOR EACH ROW EXECUTE FUNCTION articles_rebuild_words_at_the_end();
"""
NO_LONGER_FOLLOW = """
DROP TRIGGER rebuild_words ON articles_siterevision;
DROP FUNCTION articles_rebuild_words_at_the_end();
"""


class Migration(migrations.Migration):
    dependencies = [("articles", "0016_calendar_opening_hours_raise_the_revision")]
    operations = [
        migrations.CreateModel(
            name="Word",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("word", models.CharField(max_length=100)),
                ("stem", models.TextField(help_text="What a search for it looks for, as PostgreSQL writes it.")),
                ("texts", models.PositiveIntegerField(help_text="In how many texts it stands.")),
                ("public_from", models.DateTimeField(help_text="Empty: it is public.", null=True)),
                ("public_until", models.DateTimeField(null=True)),
            ],
            options={
                "default_permissions": (),
                "indexes": [
                    GinIndex(OpClass("word", name="gin_trgm_ops"), name="articles_word_similar", fastupdate=False),
                    models.Index(fields=["stem"], name="articles_word_stem"),
                ],
            },
        ),
        migrations.AlterField(
            model_name="article",
            name="lead",
            field=models.TextField(help_text="The opening paragraph.", max_length=50000),
        ),
        migrations.AlterField(
            model_name="article",
            name="in_short",
            field=models.TextField(help_text="The bottom line in under 120 words.", max_length=50000),
        ),
        migrations.RunSQL(REBUILD, "DROP FUNCTION articles_rebuild_words();"),
        migrations.RunSQL(FOLLOW, NO_LONGER_FOLLOW),
        migrations.RunSQL("SELECT articles_rebuild_words();", migrations.RunSQL.noop),
    ]
