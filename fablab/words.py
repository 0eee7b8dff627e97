"""Words that pure modules may use: marked for translation here, translated where they are shown."""

LANGUAGES = {"fr": "Français", "en": "English"}  # the first one is the default


def N_(message: str) -> str:
    """Mark an English sentence for the catalogue without translating it yet.

    Rules know neither the request nor its language; the page that shows the
    sentence translates it with `gettext(sentence) % values`.
    """
    return message
