// What several lists of the administration have in common: fields, columns, words of the API's values.
import { language } from '#lib/i18n/locale.svelte.ts';
import { m } from '#lib/paraglide/messages.js';
import { type Field, type ListColumn, num, type Row, str } from '../list.ts';

export const nameField: Field = { key: 'name', label: m.name, kind: 'text', required: true, max: 100 };
export const active: Field = { key: 'active', label: m.active, kind: 'check' };
export const position: Field = {
  key: 'position',
  label: m.order,
  kind: 'number',
  min: 0,
  max: 10000,
  hint: m.order_hint,
};
export const activeColumn = {
  key: 'active',
  label: m.state,
  text: (row: Row) => (row.active === false ? m.inactive() : m.active()),
  tone: (row: Row) => (row.active === false ? ('neutral' as const) : ('ok' as const)),
};
export const named = (key: string, label: () => string) => ({ key, label, text: (row: Row) => str(row, key) });

export const STRATEGY: Record<string, () => string> = {
  'longest-idle': m.strategy_longest_idle,
  'fewest-handled': m.strategy_fewest_handled,
  'round-robin': m.strategy_round_robin,
  'most-skilled': m.strategy_most_skilled,
  'ring-all': m.strategy_ring_all,
};
export const WRAP_UP: Record<string, () => string> = {
  none: m.wrap_none,
  timed: m.wrap_timed,
  'until-done': m.wrap_until_done,
};
export const RING_ON: Record<string, () => string> = {
  all: m.ring_all_phones,
  browser: m.phone_kind_browser,
  phone: m.phone_desk,
  number: m.ring_outside,
};
export const PHONE_KIND: Record<string, () => string> = {
  sip: m.phone_kind_sip,
  browser: m.phone_kind_browser,
  fixed: m.phone_kind_fixed,
};
export const RECORD: Record<string, () => string> = {
  always: m.record_always,
  never: m.record_never,
  percent: m.record_percent,
};
export const ROLE: Record<string, () => string> = {
  admin: m.role_admin,
  supervisor: m.role_supervisor,
  agent: m.role_agent,
  auditor: m.role_auditor,
};
export const options = (table: Record<string, () => string>) =>
  Object.entries(table).map(([value, label]) => ({ value, label }));
export const word = (table: Record<string, () => string>, value: string) => table[value]?.() ?? value;
/** Those that the desktop speaks: a language is a file of words. */
export const LANGUAGES = language.all.map((locale) => ({ value: locale, label: () => language.nameOf(locale) }));

/** An amount: sorted as a number, aligned to the end. */
export const amount = (
  key: string,
  label: () => string,
  text: (row: Row) => string = (row) => str(row, key),
): ListColumn => ({
  key,
  label,
  text,
  value: (row) => num(row, key),
  num: true,
  end: true,
});
export const order = amount('position', m.order);
