from django.urls import path, re_path

from . import views
from .feeds import ArticleFeed
from .images import views as image_views

app_name = "articles"

urlpatterns = [
    path("articles/", views.article_list, name="list"),
    path("articles/preview/<str:token>/", views.preview, name="preview"),
    path("articles/<slug:slug>/", views.article_detail, name="detail"),
    path("articles/<slug:slug>/clear/", views.clear, name="clear"),
    path("articles/<slug:slug>/clear/thanks/", views.thanks, name="thanks"),
    path("feeds/articles.atom", ArticleFeed(), name="feed"),
    path("faq/", views.faq, name="faq"),
    re_path(r"^images/(?P<digest>[0-9a-f]{64})\.(?P<form>avif|webp)$", image_views.rendition, name="image"),
    path("search/", views.search_page, name="search"),
]
