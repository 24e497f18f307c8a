"""Opens pages in Chromium and prints a line of JSON for each: what a person could not see, read or reach.

Usage: browse.py ORIGIN PATH ...
"""

import json
import sys

from playwright.sync_api import sync_playwright

# The smallest contrast of any text with its background, by the formula of WCAG 2.
CONTRAST = """() => {
  const numbers = text => (text.match(/[\\d.]+/g) || []).map(Number);
  const light = colour => { const [r, g, b] = colour.slice(0, 3).map(value => { const v = value / 255;
    return v <= 0.03928 ? v / 12.92 : Math.pow((v + 0.055) / 1.055, 2.4); });
    return 0.2126 * r + 0.7152 * g + 0.0722 * b; };
  let least = 21;
  for (const element of document.querySelectorAll('body *')) {
    if (![...element.childNodes].some(node => node.nodeType == 3 && node.textContent.trim())) continue;
    const style = getComputedStyle(element);
    const ink = numbers(element.namespaceURI.endsWith('svg') ? style.fill : style.color);
    let ground = [255, 255, 255];
    for (let box = element; box; box = box.parentElement) {
      const colour = numbers(getComputedStyle(box).backgroundColor);
      if (colour.length < 4 || colour[3] > 0) { ground = colour; break; }
    }
    const pair = [light(ink), light(ground)].sort((a, b) => b - a);
    least = Math.min(least, (pair[0] + 0.05) / (pair[1] + 0.05));
  }
  return least;
}"""

LANDMARKS = """() => ({
  main: document.querySelectorAll('main').length,
  headings: [...document.querySelectorAll('h1,h2,h3')].map(heading => Number(heading.tagName[1])),
  unnamed: [...document.querySelectorAll('svg,nav,input,section')].filter(element =>
    !element.getAttribute('aria-label') && !document.getElementById(element.getAttribute('aria-labelledby') || '')
    && !(element.labels && element.labels.length)).length,
  overflow: document.documentElement.scrollWidth - document.documentElement.clientWidth,
  scripts: document.querySelectorAll('script').length,
})"""

origin, paths = sys.argv[1], sys.argv[2:]
with sync_playwright() as playwright:
    browser = playwright.chromium.launch(executable_path="/usr/bin/chromium", args=["--no-sandbox"])
    for width, scheme in [(360, "dark"), (768, "light"), (1600, "light"), (1600, "dark")]:
        context = browser.new_context(viewport={"width": width, "height": 900}, color_scheme=scheme)
        page = context.new_page()
        messages = []
        page.on("console", lambda message: messages.append(message.text))
        page.on("requestfailed", lambda request: messages.append(request.url))
        for path in paths:
            page.goto(origin + path)
            found = page.evaluate(LANDMARKS)
            found.update(path=path, width=width, scheme=scheme, contrast=int(page.evaluate(CONTRAST) * 100))
            found.update(messages=list(messages), title=page.title())
            print(json.dumps(found), flush=True)
        context.close()
    browser.close()
