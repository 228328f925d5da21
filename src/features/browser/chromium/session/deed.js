// Does something with an element that the last outline has numbered; answers nothing, or why not.
({ number, done, text, sends }) => {
  const element = (globalThis.numbered || [])[number - 1];
  if (!element || !element.isConnected) return { number };
  const refused = (what) => ({ number, done, what });
  if (element.disabled) return refused('disabled');
  element.scrollIntoView({ block: 'center' });
  if (done === 'clicked') {
    // There is one page; what would open another one opens here.
    const link = element.closest('a[target], form[target]');
    if (link) link.target = '_self';
    element.click();
    return null;
  }
  if (element.tagName === 'SELECT') {
    const wanted = [...element.options].find((option) => option.text.trim() === text.trim() || option.value === text);
    if (!wanted) return refused('a choice without that one');
    element.value = wanted.value;
  } else if (element.isContentEditable) {
    element.textContent = text;
  } else if (element.tagName === 'TEXTAREA' || element.tagName === 'INPUT') {
    if (['checkbox', 'radio', 'submit', 'button', 'image', 'reset'].includes(element.type)) return refused('to be clicked on');
    element.focus();
    // The prototype's own setter: frameworks put another one before it.
    Object.getOwnPropertyDescriptor(Object.getPrototypeOf(element), 'value').set.call(element, text);
  } else {
    return refused('no field');
  }
  element.dispatchEvent(new Event('input', { bubbles: true }));
  element.dispatchEvent(new Event('change', { bubbles: true }));
  if (sends && element.form) element.form.requestSubmit();
  return null;
}
