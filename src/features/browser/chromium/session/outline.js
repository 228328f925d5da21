// A page's text, line by line, with what can be used in it numbered; the elements stay in `numbered`.
(longest) => {
  const numbered = (globalThis.numbered = []);
  const lines = [''];
  const LEVEL = { H1: '# ', H2: '## ', H3: '### ', H4: '#### ', H5: '##### ', H6: '###### ', LI: '- ' };
  const SKIPPED = new Set(['SCRIPT', 'STYLE', 'NOSCRIPT', 'TEMPLATE', 'SVG', 'HEAD', 'IFRAME', 'OBJECT']);
  const short = (text) => (text || '').replace(/\s+/g, ' ').trim().slice(0, 200);
  let length = 0;

  const say = (text) => { lines[lines.length - 1] += text; length += text.length; };
  const line = () => { if (lines[lines.length - 1].trim()) lines.push(''); };

  const name = (element) =>
    short(element.getAttribute('aria-label') || (element.labels && element.labels[0] && element.labels[0].innerText)
      || element.getAttribute('placeholder') || element.innerText || element.getAttribute('title')
      || element.getAttribute('alt') || element.getAttribute('name')
      || (element.querySelector('img[alt]') || { alt: '' }).alt);

  const state = (element) => {
    if (element.type === 'password') return element.value ? ' (filled)' : '';
    if (element.type === 'checkbox' || element.type === 'radio') return element.checked ? ' (chosen)' : '';
    if (element.tagName === 'SELECT') {
      const all = [...element.options].slice(0, 30).map((option) => short(option.text)).join(', ');
      return ` = "${short((element.selectedOptions[0] || { text: '' }).text)}" of: ${all}`;
    }
    return 'value' in element && element.tagName !== 'BUTTON' ? ` = "${short(element.value)}"` : '';
  };

  const kind = (element) => {
    const type = element.type;
    if (element.tagName === 'A') return element.href ? 'link' : null;
    if (element.tagName === 'BUTTON' || element.tagName === 'SUMMARY') return 'button';
    if (element.tagName === 'SELECT') return 'choice';
    if (element.tagName === 'TEXTAREA' || element.isContentEditable) return 'field';
    if (element.tagName === 'INPUT') {
      if (type === 'hidden' || type === 'file') return null;
      if (['submit', 'button', 'image', 'reset'].includes(type)) return 'button';
      return type === 'checkbox' || type === 'radio' ? type : 'field';
    }
    const role = element.getAttribute('role');
    return ['button', 'link', 'tab', 'menuitem', 'checkbox', 'option'].includes(role) ? role
      : element.hasAttribute('onclick') ? 'button' : null;
  };

  const use = (element, what) => {
    numbered.push(element);
    const label = what === 'button' && element.tagName === 'INPUT' ? short(element.value) || name(element) : name(element);
    const rest = what === 'button' || what === 'link' ? '' : state(element);
    say(` [${numbered.length} ${what} "${label}"${rest}${element.disabled ? ' (disabled)' : ''}] `);
  };

  // With a stack of its own: pages nest deeper than calls may.
  const stack = [document.body];
  while (stack.length && length <= longest) {
    const node = stack.pop();
    if (node === null) { line(); continue; }
    if (!node) continue;
    if (node.nodeType === Node.TEXT_NODE) { say(node.data.replace(/\s+/g, ' ')); continue; }
    if (node.nodeType !== Node.ELEMENT_NODE || SKIPPED.has(node.tagName.toUpperCase())) continue;
    if (node.checkVisibility && !node.checkVisibility({ visibilityProperty: true })
        && getComputedStyle(node).display !== 'contents') continue;
    const what = kind(node);
    if (what) { use(node, what); continue; }
    if (node.tagName === 'IMG') { if (node.alt) say(` (picture: ${short(node.alt)}) `); continue; }
    if (node.tagName === 'BR') { line(); continue; }
    const isBlock = !getComputedStyle(node).display.startsWith('inline');
    if (isBlock) { line(); stack.push(null); }
    if (LEVEL[node.tagName]) say(LEVEL[node.tagName]);
    const children = (node.shadowRoot || node).childNodes;
    for (let at = children.length - 1; at >= 0; at -= 1) stack.push(children[at]);
  }
  const whole = lines.map((text) => text.replace(/ {2,}/g, ' ').trim()).filter(Boolean).join('\n');
  return {
    title: document.title, url: document.URL, text: whole.slice(0, longest),
    is_cut: length > longest || whole.length > longest,
    top: Math.round(scrollY), height: document.documentElement.scrollHeight,
  };
}
