import pytest
from django.core.management import call_command
from django.db import connection

from articles.models import Article
from tests.rows import Rows, added, put_in, rows_of_all_tables


@pytest.fixture(scope="session")
def content() -> Rows:
    """What `load_clinic` puts into the tables; empty until the first test has called it."""
    return {}


@pytest.fixture
def loaded(db, content):
    """The clinic as it ships: its articles, therapists and example hours."""
    if content:
        put_in(content)
        return
    before = rows_of_all_tables()
    call_command("load_clinic", example=True, verbosity=0)
    connection.check_constraints()  # what waits for the end of a transaction, as the words of a search do
    content |= added(before, rows_of_all_tables())


@pytest.fixture
def article(loaded):
    return Article.objects.get(slug="cupping-for-back-pain")


@pytest.fixture
def html(client, article):
    """The article's page as sent. Not called `page`: that is the browser's, and left out where there is none."""
    return client.get(article.get_absolute_url()).text
