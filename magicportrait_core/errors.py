"""Errors and warnings a user can act on: what was wrong, where, what to do."""


class MagicPortraitError(Exception):
    """Base of every error this package raises on purpose."""


class InputError(MagicPortraitError, ValueError):
    """A file, an option or a tensor the caller gave cannot be used (CLI exit code 2)."""


class NoFaceError(InputError):
    """No frame of a clip, or no part of a picture, shows a face."""


class MagicPortraitWarning(UserWarning):
    """The run goes on, but the user should know: frames without a face, a broken tail ..."""
