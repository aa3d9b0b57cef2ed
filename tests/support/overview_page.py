"""What tests read from the page of an overview."""

import time

EVIL = '<img src=x onerror="window.hit=1"></script><script>window.hit=1</script>'


def count(page):
    return page.locator("#count").inner_text()


def titles(page):
    return page.locator(".card h3").all_inner_texts()


def names(page):
    return page.locator(".card footer p:last-child span").all_inner_texts()


def current(page):
    return page.locator(".card.current footer p:last-child span").inner_text()


def until(page, condition):
    """Wait until a condition holds. Playwright's own wait needs eval, which the page forbids."""
    end = time.monotonic() + 30
    while not page.evaluate(condition):
        assert time.monotonic() < end, condition
        page.wait_for_timeout(20)


def plays(page, name):
    """Return whether the mix of this result is playing."""
    return page.evaluate("name => !player.paused && decodeURIComponent(player.src).endsWith(`/${name}/mix.wav`)", name)
