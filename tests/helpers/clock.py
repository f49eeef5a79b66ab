"""Time by the clock of a page in the browser."""


def let_pass(locator, milliseconds: int) -> None:
    """Wait by the page's own timers, which fire in their order however slow it is, until what they did is drawn."""
    locator.evaluate(
        """async (_, milliseconds) => {
        await new Promise(done => setTimeout(done, milliseconds));
        for (let frame = 0; frame < 2; frame++) await new Promise(requestAnimationFrame) }""",
        milliseconds,
    )
