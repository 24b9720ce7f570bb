"""The one kind of error that a person is told as a sentence."""


class Correctable(Exception):
    """Something that a person can put right: the text says what, where and what to do.

    `str()` of it is English, for the command line and logs; `zh` is the same in Chinese, for people of the API and the
    cockpit, and falls back to the English where nobody but an engineer ever reads it.
    """

    def __init__(self, text: str = "", zh: str = "") -> None:
        super().__init__(text)
        self.zh = zh or text
