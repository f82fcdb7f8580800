"""Images at the desk: upload one, describe it, see its renditions and where it is used."""

from __future__ import annotations

from typing import Any, cast

from django import forms
from django.contrib import admin, messages
from django.core.exceptions import ValidationError
from django.core.files.uploadedfile import UploadedFile
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.utils.decorators import method_decorator
from django.utils.html import format_html, format_html_join
from django.utils.safestring import SafeString
from django.views.decorators.csrf import csrf_protect

from articles.images import pictures, store
from articles.models import MAX_RENDITION_BYTES, Image
from revival.base.desk_parts.date_columns import moment_column
from revival.base.desk_parts.staff_request import StaffUser
from revival.base.django_types import FormValues, Passed


class ImageForm(forms.ModelForm):
    """An image's texts, and for a new one its file; a valid file leaves its renditions in `picture`."""

    picture: pictures.Picture | None = None

    file = forms.FileField(
        label="Picture",
        help_text="JPEG, PNG or WebP, at most 10 MB and 40 million pixels; best 1440 pixels wide or more. The site "
        "makes small files of it for every screen, without what the camera adds, such as the place. "
        "Show no patient without their written consent.",
        widget=forms.FileInput(attrs={"accept": "image/jpeg,image/png,image/webp"}),
    )

    class Meta:
        model = Image
        fields = ["title", "alternative_text", "is_decorative", "caption", "credit", "portrait_of"]
        widgets = dict.fromkeys(["alternative_text", "caption"], forms.TextInput(attrs={"class": "vLargeTextField"}))

    def __init__(self, *args: Passed, **kwargs: Passed) -> None:
        super().__init__(*args, **kwargs)
        if self.instance.pk:
            del self.fields["file"]

    def clean_file(self) -> UploadedFile:
        """Make the renditions, before any transaction is open: encoding takes seconds."""
        file: UploadedFile = self.cleaned_data["file"]
        try:
            if (file.size or 0) > pictures.MAX_UPLOAD_BYTES:  # before it is read into memory
                raise pictures.too_large()
            self.picture = pictures.read(file.read(), file.name or "", MAX_RENDITION_BYTES)
            store.refuse_duplicate(self.picture)
        except pictures.NotAPictureError as refusal:
            raise ValidationError(str(refusal)) from refusal
        return file

    def clean(self) -> FormValues:
        cleaned_data = super().clean() or {}
        is_described = cleaned_data.get("is_decorative") or cleaned_data.get("alternative_text", "").strip()
        if self.instance.pk and not is_described and store.is_on_public_page(self.instance):
            self.add_error("alternative_text", "A published page shows it: describe it, or tick “decorative”.")
        return cleaned_data


@admin.register(Image)
class ImageAdmin(admin.ModelAdmin):
    form = ImageForm
    list_display = ["thumbnail", "title", "words", "shown_in", moment_column("uploaded_at", "Uploaded")]
    list_display_links = ["thumbnail", "title"]
    list_filter = ["is_decorative", "uploaded_at"]
    list_select_related = ["uploaded_by", "portrait_of"]
    show_full_result_count = False
    search_fields = ["title", "alternative_text", "caption", "credit"]
    actions = None  # no bulk deletion: the page of a single one says where it is still shown
    delete_confirmation_template = "admin/articles/image/delete_confirmation.html"
    text_fields = ["title", "alternative_text", "is_decorative", "caption", "credit", "portrait_of"]

    def get_queryset(self, request: HttpRequest) -> QuerySet[Image]:
        return super().get_queryset(request).prefetch_related("renditions", "articles", "sections__article")

    def get_fields(self, request: HttpRequest, obj: Image | None = None) -> Any:  # the stubs want rows of names, too
        if obj is None:
            return ["file", *self.text_fields]
        return ["picture", *self.text_fields, "where_used", "made", "uploaded_by", "uploaded_at"]

    def get_readonly_fields(self, request: HttpRequest, obj: Image | None = None) -> list[str]:
        return ["picture", "where_used", "made", "uploaded_by", "uploaded_at"] if obj else []

    @method_decorator(csrf_protect)
    def changeform_view(self, request: HttpRequest, *args: Passed, **kwargs: Passed) -> HttpResponse:
        """Django's view without its transaction, which would stay open while the form encodes the renditions."""
        object_id = kwargs.get("object_id", args[0] if args else None)
        try:
            return self._changeform_view(  # type: ignore[attr-defined]
                request, object_id, kwargs.get("form_url", ""), kwargs.get("extra_context")
            )
        except pictures.NotAPictureError as refusal:  # a double click has uploaded the same picture twice at once
            self.message_user(request, str(refusal), messages.WARNING)
            return redirect("admin:articles_image_changelist")

    def save_model(self, request: HttpRequest, obj: Image, form: ImageForm, change: bool) -> None:
        if form.picture is None:  # an image keeps its file
            obj.save()
        else:
            store.add_image(image=obj, picture=form.picture, by=cast(StaffUser, request.user))

    # ---- columns and fields ----

    @admin.display(description="Picture")
    def thumbnail(self, image: Image) -> str | SafeString:
        return _img(image, "thumbnail", is_named=False)

    @admin.display(description="Picture")
    def picture(self, image: Image) -> str | SafeString:
        return _img(image, "thumbnail thumbnail--large", is_named=True)

    @admin.display(description="Alternative text")
    def words(self, image: Image) -> str:
        return "Decorative" if image.is_decorative else image.alternative_text or "Missing: cannot be published"

    @admin.display(description="Used")
    def shown_in(self, image: Image) -> str:
        number = len(image.articles.all()) + len(image.sections.all()) + (image.portrait_of_id is not None)
        return {0: "Nowhere", 1: "Once", 2: "Twice"}.get(number, f"{number} times")

    @admin.display(description="Where it is used")
    def where_used(self, image: Image) -> str | SafeString:
        links = [(url, text) for text, url in store.image_uses(image)]
        return format_html_join("", '<p><a href="{}">{}</a></p>', links) if links else "Nowhere yet."

    @admin.display(description="Files made from it")
    def made(self, image: Image) -> SafeString:
        """Links to the renditions with their sizes, so that an editor sees what readers load."""
        lines = format_html_join(
            "",
            '<br><a href="{}">{} × {}, {}</a>: {} kB',
            (
                (row.get_absolute_url(), row.width, row.height, row.get_format_display(), round(row.bytes / 1000))
                for row in image.renditions.with_bytes()
            ),
        )
        return format_html("From {} × {} pixels:{}", image.width, image.height, lines)


def _img(image: Image, css: str, *, is_named: bool) -> str | SafeString:
    """Thumbnail; in the list (`is_named` False) its `alt` is the title, which names the link around it."""
    small = image.smallest
    if small is None:
        return "–"
    alt = image.alternative_text if is_named else image.title
    return format_html(
        '<img class="{}" src="{}" width="{}" height="{}" alt="{}" loading="lazy">',
        *(css, small.get_absolute_url(), small.width, small.height, alt),
    )
