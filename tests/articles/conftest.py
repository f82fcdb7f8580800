import pytest
from django.core.management import call_command

from articles.models import Article


@pytest.fixture
def loaded(db):
    """The clinic as it ships: its articles, therapists and example hours."""
    call_command("load_clinic", example=True, verbosity=0)


@pytest.fixture
def article(loaded):
    return Article.objects.get(slug="cupping-for-back-pain")


@pytest.fixture
def html(client, article):
    """The article's page as sent. Not called `page`: that is the browser's, and left out where there is none."""
    return client.get(article.get_absolute_url()).text
