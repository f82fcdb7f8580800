"""Pictures at the desk: upload one, describe it, see what was made of it and where it stands."""

from __future__ import annotations

from typing import Any

from django import forms
from django.contrib import admin, messages
from django.core.exceptions import ValidationError
from django.core.files.uploadedfile import UploadedFile
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.utils.decorators import method_decorator
from django.utils.html import format_html, format_html_join
from django.utils.safestring import SafeString
from django.views.decorators.csrf import csrf_protect

from articles.images import pictures, store
from articles.models import MAX_RENDITION_BYTES, Image
from revival.base.date_columns import moment


class ImageForm(forms.ModelForm):
    picture: pictures.Picture | None = None

    file = forms.FileField(
        label="Picture",
        help_text="JPEG, PNG or WebP, at most 10 MB and 40 million pixels; best 1440 pixels wide or more. We make small"
        " files of it for every screen. What the camera wrote into it, such as the place, is left out. "
        "Show no patient without their written consent.",
        widget=forms.FileInput(attrs={"accept": "image/jpeg,image/png,image/webp"}),
    )

    class Meta:
        model = Image
        fields = ["title", "alternative_text", "is_decorative", "caption", "credit", "portrait_of"]
        widgets = dict.fromkeys(["alternative_text", "caption"], forms.TextInput(attrs={"class": "vLargeTextField"}))

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        if self.instance.pk:
            del self.fields["file"]

    def clean_file(self) -> UploadedFile:
        """Draw the renditions here, before any transaction is open: it takes seconds."""
        file: UploadedFile = self.cleaned_data["file"]
        try:
            if (file.size or 0) > pictures.MOST_UPLOADED:  # before it is read into memory
                raise pictures.too_large()
            self.picture = pictures.read(file.read(), file.name or "", MAX_RENDITION_BYTES)
            store.demand_new(self.picture)
        except pictures.NotAPictureError as refusal:
            raise ValidationError(str(refusal)) from refusal
        return file

    def clean(self) -> dict[str, Any]:
        clean = super().clean() or {}
        says_nothing = not clean.get("is_decorative") and not clean.get("alternative_text", "").strip()
        if self.instance.pk and says_nothing and store.is_public(self.instance):
            self.add_error("alternative_text", "A published page shows it: describe it, or tick “decorative”.")
        return clean


@admin.register(Image)
class ImageAdmin(admin.ModelAdmin):
    form = ImageForm
    list_display = ["thumbnail", "title", "words", "shown_in", moment("uploaded_at", "Uploaded")]
    list_display_links = ["thumbnail", "title"]
    list_filter = ["is_decorative", "uploaded_at"]
    list_select_related = ["uploaded_by", "portrait_of"]
    show_full_result_count = False
    search_fields = ["title", "alternative_text", "caption", "credit"]
    actions = None  # one by one, so that each says where it is still shown
    delete_confirmation_template = "admin/articles/image/delete_confirmation.html"
    words_fields = ["title", "alternative_text", "is_decorative", "caption", "credit", "portrait_of"]

    def get_queryset(self, request: HttpRequest) -> Any:
        return super().get_queryset(request).prefetch_related("renditions", "articles", "sections__article")

    def get_fields(self, request: HttpRequest, obj: Image | None = None) -> Any:
        if obj is None:
            return ["file", *self.words_fields]
        return ["picture", *self.words_fields, "where_used", "made", "uploaded_by", "uploaded_at"]

    def get_readonly_fields(self, request: HttpRequest, obj: Image | None = None) -> Any:
        return ["picture", "where_used", "made", "uploaded_by", "uploaded_at"] if obj else []

    @method_decorator(csrf_protect)
    def changeform_view(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        """Django's, without the transaction it opens before the form is read: encoding would stand in it."""
        object_id = kwargs.get("object_id", args[0] if args else None)
        try:
            return self._changeform_view(  # type: ignore[attr-defined]
                request, object_id, kwargs.get("form_url", ""), kwargs.get("extra_context")
            )
        except pictures.NotAPictureError as refusal:  # the same picture arrived twice at once: a double click
            self.message_user(request, str(refusal), messages.WARNING)
            return redirect("admin:articles_image_changelist")

    def save_model(self, request: HttpRequest, obj: Image, form: Any, change: bool) -> None:
        if change:
            obj.save()
        else:
            store.add_image(image=obj, picture=form.picture, by=request.user)

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
        used = [(address, words) for words, address in store.uses(image)]
        return format_html_join("", '<p><a href="{}">{}</a></p>', used) if used else "Nowhere yet."

    @admin.display(description="What was made")
    def made(self, image: Image) -> SafeString:
        """Each file, so that an editor sees what readers load."""
        lines = format_html_join(
            "",
            '<br><a href="{}">{} × {}, {}</a>: {} kB',
            (
                (one.get_absolute_url(), one.width, one.height, one.get_format_display(), round(one.bytes / 1000))
                for one in image.renditions.with_bytes()
            ),
        )
        return format_html("From {} × {} pixels:{}", image.width, image.height, lines)


def _img(image: Image, css: str, *, is_named: bool) -> str | SafeString:
    """In a list the title stands beside it, so there it is named by its title for its link only."""
    small = image.smallest
    if small is None:
        return "–"
    alt = image.alternative_text if is_named else image.title
    return format_html(
        '<img class="{}" src="{}" width="{}" height="{}" alt="{}" loading="lazy">',
        *(css, small.get_absolute_url(), small.width, small.height, alt),
    )
