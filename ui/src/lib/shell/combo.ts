/** A key combination as it is written in the map: `Alt+A`, `Ctrl+K`, `?`. */
export interface KeyPress {
  key: string;
  code: string;
  altKey: boolean;
  ctrlKey: boolean;
  metaKey: boolean;
  shiftKey: boolean;
}

/** Letters are matched by their place (`code`) when Alt is held: Option+A on a Mac types "å". */
export function matches(combo: string, press: KeyPress): boolean {
  const parts = combo.split('+');
  const key = parts.at(-1) ?? '';
  const alt = parts.includes('Alt');
  const ctrl = parts.includes('Ctrl');
  if (alt !== press.altKey) return false;
  if (ctrl !== (press.ctrlKey || press.metaKey)) return false;
  if (/^[A-Z]$/.test(key) && (alt || ctrl)) return alt ? press.code === `Key${key}` : press.key.toUpperCase() === key;
  return press.key === key;
}

/** Single characters are for people who do not type at that moment (and can be switched off: WCAG 2.1.4). */
export function isSingleCharacter(combo: string): boolean {
  return combo.length === 1;
}
