"""What can go wrong, as a tree. Every message is one sentence: expected, and found.

SegTalkerError
├── InputError          something the user gave cannot be used
│   ├── PortraitError   no face, two faces, profile, too small, not a picture
│   ├── SoundError      no sound track, nothing but silence, not a media file
│   └── AvatarError     not an .avatar file, damaged, or of another version
├── ModelError          weights or a model file missing, damaged or foreign
├── DeviceError         no GPU where one was asked for
└── OutputError         the result cannot be written
"""

from __future__ import annotations


class SegTalkerError(Exception):
    """Base of all errors that are told to the user in one sentence, with exit code 1."""


class InputError(SegTalkerError):
    """Something the user gave cannot be used."""


class PortraitError(InputError):
    """A portrait without exactly one usable face."""


class SoundError(InputError):
    """A file without usable sound."""


class AvatarError(InputError):
    """A file that is not a whole .avatar of this version."""


class ModelError(SegTalkerError):
    """Weights or a model file that are missing, damaged or foreign."""


class DeviceError(SegTalkerError):
    """No GPU where one was asked for."""


class OutputError(SegTalkerError):
    """A result that cannot be written."""
