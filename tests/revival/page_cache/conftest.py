from tests.articles.conftest import article as article
from tests.articles.conftest import content as content
from tests.articles.conftest import loaded as loaded
