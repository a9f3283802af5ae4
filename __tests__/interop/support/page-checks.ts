// These functions run inside the page: none may use anything from outside of itself.
/* oxlint-disable unicorn/consistent-function-scoping */

/** Texts whose contrast is below WCAG 2.2's 4.5:1 (1.4.3). */
export function lowContrasts(): string[] {
  const parse = (color: string): number[] => color.match(/[\d.]+/g)!.map(Number);
  const luminance = ([red, green, blue]: readonly number[]): number => {
    const linear = [red!, green!, blue!].map((value) =>
      value <= 10.31 ? value / 3294.6 : ((value / 255 + 0.055) / 1.055) ** 2.4,
    );
    return 0.2126 * linear[0]! + 0.7152 * linear[1]! + 0.0722 * linear[2]!;
  };
  const background = (element: Element | null): number[] => {
    if (element === null) throw new Error('no background');
    const color = parse(getComputedStyle(element).backgroundColor);
    const alpha = color[3] ?? 1;
    if (alpha !== 0 && alpha !== 1) throw new Error('a translucent background');
    return alpha === 1 ? color : background(element.parentElement);
  };
  const found: string[] = [];
  const texts = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
  while (texts.nextNode() !== null) {
    const element = texts.currentNode.parentElement!;
    const text = texts.currentNode.textContent!.trim();
    if (text === '') continue;
    const [a, b] = [parse(getComputedStyle(element).color), background(element)].map(luminance);
    const ratio = (Math.max(a!, b!) + 0.05) / (Math.min(a!, b!) + 0.05);
    if (ratio < 4.5) found.push(`${text}: ${ratio.toFixed(2)}`);
  }
  return found;
}

/** Elements that reach beyond the window, or whose content is wider than they are. */
export const overflows = (): string[] =>
  [...document.querySelectorAll('html, body, body *')]
    .filter(
      (element) =>
        element.getBoundingClientRect().right > innerWidth + 0.5 ||
        element.getBoundingClientRect().left < -0.5 ||
        (getComputedStyle(element).display !== 'inline' && element.scrollWidth > element.clientWidth + 1),
    )
    .map((element) => `${element.tagName} ${element.textContent?.slice(0, 40)}`);

/** Pairs of elements in a list's row that lie upon each other. */
export const overlaps = (): string[] =>
  [...document.querySelectorAll('.doors li, dl div, header')].flatMap((row) => {
    const boxes = [...row.children].map((child) => child.getBoundingClientRect());
    return boxes.flatMap((one, index) =>
      boxes
        .slice(index + 1)
        .filter(
          (other) =>
            Math.min(one.right, other.right) - Math.max(one.left, other.left) > 1 &&
            Math.min(one.bottom, other.bottom) - Math.max(one.top, other.top) > 1,
        )
        .map(() => row.textContent),
    );
  });

/** What assistive technology needs, as far as it can be told by looking at the tree. */
export const accessibilityFaults = (): string[] => {
  const levels = [...document.querySelectorAll('h1, h2, h3')].map(({ tagName }) => Number(tagName[1]));
  const faults: Array<[boolean, string]> = [
    [document.documentElement.lang !== 'en', 'no language'],
    [document.title === '', 'no title'],
    [document.querySelectorAll('h1').length !== 1, 'not one h1'],
    [levels.some((level, index) => level > (levels[index - 1] ?? 0) + 1), 'a heading level is left out'],
    [document.querySelectorAll('main, header, footer, nav[aria-label]').length !== 4, 'landmarks'],
    [document.querySelectorAll('img:not([alt])').length > 0, 'a picture without alt'],
    [[...document.links].some(({ textContent }) => textContent === ''), 'a link without text'],
    [document.querySelector('meta[name=viewport]') === null, 'no viewport'],
  ];
  return faults.filter(([fault]) => fault).map(([, what]) => what);
};

/** The facts as a reader sees them: term and lines. */
export const shownFacts = (): Record<string, string> =>
  Object.fromEntries(
    [...document.querySelectorAll<HTMLElement>('dl div')].map((row) => [
      row.querySelector('dt')!.innerText,
      row.querySelector('dd')!.innerText,
    ]),
  );
