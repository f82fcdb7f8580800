"""Static file storage for production: file names contain a hash of the content, so browsers may keep them."""

from whitenoise.storage import CompressedManifestStaticFilesStorage


class StaticFiles(CompressedManifestStaticFilesStorage):
    support_js_module_import_aggregation = True  # scripts import one another by these names, too
