"""Static files under names that carry their content's hash."""

from whitenoise.storage import CompressedManifestStaticFilesStorage


class HashedStaticStorage(CompressedManifestStaticFilesStorage):  # type: ignore[misc] # untyped
    """Hash module imports too, so that a cached old module never meets a new one."""

    support_js_module_import_aggregation = True
