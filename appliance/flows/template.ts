import type { Scalar } from '#appliance/contract/flow.ts';

/** `{{name}}`, `{{call.from}}`; `{{secure.name}}` only where a step may have it. */
const PLACE = /\{\{\s*([a-zA-Z][a-zA-Z0-9_.]{0,80})\s*\}\}/g;

/** Names a text refers to. */
export function namesIn(text: string): string[] {
  return [...text.matchAll(PLACE)].map((match) => match[1]!);
}

/** Names anywhere in a JSON value. */
export function namesInside(value: unknown): string[] {
  if (typeof value === 'string') return namesIn(value);
  if (Array.isArray(value)) return value.flatMap(namesInside);
  if (typeof value === 'object' && value !== null) return Object.values(value).flatMap(namesInside);
  return [];
}

/** The text with its places filled in; what is unknown becomes nothing. `encode` is for the place's surroundings, for example a URL. */
export function fill(
  text: string,
  lookUp: (name: string) => Scalar | undefined,
  encode: (value: string) => string = (value) => value,
): string {
  return text.replace(PLACE, (_, name: string) => encode(asText(lookUp(name))));
}

/** A JSON value with every text in it filled in; a text that is one place only keeps the variable's type. */
export function fillInside(value: unknown, lookUp: (name: string) => Scalar | undefined): unknown {
  if (typeof value === 'string') {
    const whole = /^\{\{\s*([a-zA-Z][a-zA-Z0-9_.]{0,80})\s*\}\}$/.exec(value);
    return whole ? (lookUp(whole[1]!) ?? null) : fill(value, lookUp);
  }
  if (Array.isArray(value)) return value.map((item) => fillInside(item, lookUp));
  if (typeof value === 'object' && value !== null) {
    return Object.fromEntries(Object.entries(value).map(([key, item]) => [key, fillInside(item, lookUp)]));
  }
  return value;
}

export function asText(value: Scalar | undefined): string {
  return value === null || value === undefined ? '' : String(value);
}
