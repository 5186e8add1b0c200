export const MAX_JSON_DEPTH = 64;

/** Without recursion, so that a body of a million brackets costs memory and nothing else. */
export function isShallow(value: unknown, maxDepth = MAX_JSON_DEPTH): boolean {
  let level: unknown[] = [value];
  for (let depth = 0; level.length > 0; depth++) {
    if (depth > maxDepth) return false;
    const next: unknown[] = [];
    for (const item of level) {
      if (typeof item !== 'object' || item === null || Buffer.isBuffer(item)) continue;
      for (const child of Object.values(item)) if (typeof child === 'object' && child !== null) next.push(child);
    }
    level = next;
  }
  return true;
}
