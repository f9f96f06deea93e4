"""The statement under which a portrait may be made to speak."""

CONSENT = (
    "I am the person in this portrait, or I have that person's consent to make it speak; "
    "I will not use it to deceive."
)
