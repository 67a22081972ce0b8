// What is wrong with how an element looks, as lines of text; none if all is well.
(root) => {
  const QUANTITY = /\d[\d,.]*(?:\s(?:B|kB|MB|GB|TB|ms|s|min|h)(?:\/s)?\b|%)?/g;
  const LEAST_CONTRAST = 4.5; // WCAG 2.2, 1.4.3 (AA)
  const wrong = [];

  const paint = document.createElement('canvas').getContext('2d', { willReadFrequently: true });
  const rgba = color => {
    paint.clearRect(0, 0, 1, 1);
    paint.fillStyle = color;
    paint.fillRect(0, 0, 1, 1);
    const [red, green, blue, alpha] = paint.getImageData(0, 0, 1, 1).data;
    return [red, green, blue, alpha / 255];
  };
  const over = (top, below, alpha) => below.map((value, at) => top[at] * alpha + value * (1 - alpha));
  const luminance = color => {
    const [red, green, blue] = color.map(value => {
      const part = value / 255;
      return part <= 0.04045 ? part / 12.92 : ((part + 0.055) / 1.055) ** 2.4;
    });
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue;
  };
  const background = element => {
    if (!element) {
      return [255, 255, 255];
    }
    const [red, green, blue, alpha] = rgba(getComputedStyle(element).backgroundColor);
    return alpha === 1
      ? [red, green, blue]
      : over([red, green, blue], background(element.parentElement), alpha);
  };
  const contrast = element => {
    const behind = background(element);
    let opacity = 1;
    for (let each = element; each; each = each.parentElement) {
      opacity *= Number(getComputedStyle(each).opacity);
    }
    const [red, green, blue, alpha] = rgba(getComputedStyle(element).color);
    const [light, dark] = [luminance(over([red, green, blue], behind, alpha * opacity)), luminance(behind)];
    return (Math.max(light, dark) + 0.05) / (Math.min(light, dark) + 0.05);
  };

  const box = root.getBoundingClientRect();
  if (root.scrollWidth > root.clientWidth + 1) {
    wrong.push(`${root.scrollWidth} pixels are in ${root.clientWidth}`);
  }
  if (box.right > document.documentElement.clientWidth + 1) {
    wrong.push('it reaches beyond the page');
  }
  const texts = document.createTreeWalker(root, NodeFilter.SHOW_TEXT);
  while (texts.nextNode()) {
    const node = texts.currentNode;
    const range = document.createRange();
    range.selectNodeContents(node);
    const rectangles = [...range.getClientRects()];
    if (!node.data.trim() || !rectangles.length) {
      continue;
    }
    if (rectangles.some(each => each.right > box.right + 1)) {
      wrong.push(`it reaches out of its output: ${node.data.slice(0, 60)}`);
    }
    const ratio = contrast(node.parentElement);
    if (ratio < LEAST_CONTRAST) {
      wrong.push(`contrast ${ratio.toFixed(1)}: ${node.data.slice(0, 60)}`);
    }
    for (const match of node.data.matchAll(QUANTITY)) {
      range.setStart(node, match.index);
      range.setEnd(node, match.index + match[0].length);
      if (new Set([...range.getClientRects()].map(each => Math.round(each.top))).size > 1) {
        wrong.push(`wrapped within ${match[0]}: ${node.data.slice(0, 60)}`);
      }
    }
  }
  return wrong;
};
