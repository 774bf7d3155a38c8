"""A module that cannot be imported."""

import a_module_that_is_missing  # noqa: F401
