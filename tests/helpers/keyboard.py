"""Keys pressed one after another."""


def press(locator, *keys: str) -> None:
    for key in keys:
        locator.press(key)
