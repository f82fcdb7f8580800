"""Rich text field of the desk's forms: its editor, what it refuses to save, and pages that are 422 then."""

from __future__ import annotations

from django import forms
from django.core.exceptions import ValidationError
from django.forms.widgets import Script
from django.http import HttpRequest, HttpResponse

from articles.rich_text import clean, reasons_to_refuse
from revival.base.django_types import Context, Passed

REFUSED = "refused"
"""Code of the errors of a text that cannot be saved."""


def check_text(html: str) -> None:
    """Raises ValidationError if the text is over a bound or has an address that no link may have."""
    if reasons := reasons_to_refuse(html):
        raise ValidationError([ValidationError(f"This text {reason}", code=REFUSED) for reason in reasons])


class TypedText(str):
    """A text as it was typed, not cleaned yet."""

    __slots__ = ()


class Prose(forms.Textarea):
    """Rich text field: an editor where scripts run (static/js/prose.js), a text area with HTML elsewhere."""

    class Media:
        css = {"all": ["django_prose_editor/editor.css"]}
        js = [Script("js/prose.js", type="module")]

    def __init__(self) -> None:
        super().__init__({"class": "vLargeTextField", "rows": 8, "data-prose": ""})

    def format_value(self, value: str | None) -> str | None:
        """The text for the editor; what was typed comes back as it is, so that nobody loses a text we refused."""
        if value is None or isinstance(value, TypedText):
            return value
        return clean(value)  # imported rows may never have been cleaned

    def value_from_datadict(self, data: Passed, files: Passed, name: str) -> str | None:
        html = super().value_from_datadict(data, files, name)
        return html if html is None else TypedText(html.replace("\r\n", "\n"))

    def use_required_attribute(self, initial: object) -> bool:
        return False  # the editor hides the text area, so the browser could not show its message there


class RichTextField(forms.CharField):
    """Rich text, cleaned as it will be stored, so that an unchanged text does not count as changed."""

    widget = Prose

    def to_python(self, value: object) -> str:
        html = super().to_python(value) or ""
        check_text(html)
        return clean(html).strip()


class RefusesTexts:
    """Admin page that is answered with 422 while one of its texts is refused; all that was typed stays in it."""

    def render_change_form(
        self, request: HttpRequest, context: Context, *args: Passed, **kwargs: Passed
    ) -> HttpResponse:
        response = super().render_change_form(request, context, *args, **kwargs)  # type: ignore[misc]
        inlines = [form for inline in context["inline_admin_formsets"] for form in inline.formset.forms]
        if any(has_refused_text(form) for form in (context["adminform"].form, *inlines)):
            response.status_code = 422
        return response


def has_refused_text(form: forms.BaseForm) -> bool:
    return form.is_bound and any(error.code == REFUSED for errors in form.errors.as_data().values() for error in errors)
