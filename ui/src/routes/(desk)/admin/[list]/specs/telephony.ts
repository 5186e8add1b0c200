// What calls come through.
import { m } from '#lib/paraglide/messages.js';
import { type ListSpec, num, type Row, str } from '../list.ts';
import { amount, named, options, PHONE_KIND, word } from './parts.ts';

interface TrunkStatus {
  channels: number;
  instances: { up: boolean; detail: string; roundTripMs: number | null; registeredUntil: string | null }[];
}
/** A trunk is up when any voice process reaches it. */
function trunkHealth(answer: unknown): Record<string, unknown> {
  const status = answer as TrunkStatus | undefined;
  if (!status || status.instances.length === 0) return { channels: status?.channels };
  const best = status.instances.find(({ up }) => up) ?? status.instances[0]!;
  return {
    up: best.up,
    channels: status.channels,
    healthDetail: [best.detail, best.roundTripMs === null ? '' : `${Math.round(best.roundTripMs)} ms`]
      .filter(Boolean)
      .join(', '),
  };
}

/** Registered is not enough: it is asked whether it answers, and how fast. */
function phoneState(row: Row): string {
  if (row.reach === 'unreachable') return m.phone_unreachable();
  if (!row.online) return m.phone_offline();
  return row.roundTripMs === null || row.roundTripMs === undefined
    ? m.phone_online()
    : `${m.phone_online()}, ${Math.max(1, Math.round(num(row, 'roundTripMs')))} ms`;
}

export const telephony: Record<string, ListSpec> = {
  phones: {
    path: '/phones',
    permission: 'phones',
    title: m.nav_phones,
    one: m.phone,
    empty: m.empty_phones,
    refreshS: 15,
    names: [{ path: '/agents', key: 'name' }],
    secret: { rotate: (row) => `/phones/${row.id}/rotate` },
    restart: (row) => (row.online && row.kind !== 'browser' ? `/phones/${row.id}/restart` : undefined),
    nameOf: (row) => str(row, 'label') || str(row, 'extension'),
    columns: [
      named('label', m.name),
      named('extension', m.extension_short),
      { key: 'kind', label: m.kind, text: (row) => word(PHONE_KIND, str(row, 'kind')) },
      named('username', m.username),
      { key: 'agentId', label: m.agent, text: (row, names) => (row.agentId ? names(row.agentId) : '') },
      {
        key: 'online',
        label: m.state,
        text: phoneState,
        tone: (row) => (row.online ? 'ok' : row.reach === 'unreachable' ? 'danger' : 'warn'),
      },
    ],
    fields: [
      { key: 'label', label: m.name, kind: 'text', required: true, max: 80 },
      {
        key: 'kind',
        label: m.kind,
        kind: 'select',
        onlyNew: true,
        options: options(PHONE_KIND),
      },
      { key: 'extension', label: m.extension_short, kind: 'text', max: 12, pattern: '[0-9*#]{1,12}' },
      { key: 'agentId', label: m.agent, kind: 'reference', path: '/agents', nameKey: 'name', none: m.none },
      { key: 'unsolicitedMwi', label: m.phone_mwi, kind: 'check', hint: m.phone_mwi_hint },
    ],
  },
  trunks: {
    path: '/trunks',
    permission: 'trunks',
    title: m.nav_trunks,
    one: m.trunk,
    empty: m.empty_trunks,
    testCall: true,
    refreshS: 15,
    health: { path: (row) => `/trunks/${row.id}/status`, fields: trunkHealth },
    nameOf: (row) => str(row, 'name'),
    columns: [
      named('name', m.name),
      {
        key: 'kind',
        label: m.kind,
        text: (row) => (row.kind === 'registration' ? m.trunk_registration() : m.trunk_address()),
      },
      { key: 'host', label: m.host, text: (row) => `${str(row, 'host')}${row.port ? `:${row.port}` : ''}` },
      { key: 'transport', label: m.transport, text: (row) => str(row, 'transport').toUpperCase(), wide: true },
      {
        key: 'state',
        label: m.state,
        text: (row) =>
          row.enabled === false
            ? m.inactive()
            : row.up === undefined
              ? m.unknown()
              : row.up
                ? m.trunk_up()
                : m.trunk_down(),
        tone: (row) => (row.enabled === false || row.up === undefined ? 'neutral' : row.up ? 'ok' : 'danger'),
      },
      { key: 'health', label: m.details, text: (row) => str(row, 'healthDetail'), wide: true },
      amount('channels', m.admin_calls_now),
    ],
    fields: [
      { key: 'name', label: m.name, kind: 'text', required: true, max: 80 },
      {
        key: 'kind',
        label: m.kind,
        kind: 'select',
        options: [
          { value: 'address', label: m.trunk_address },
          { value: 'registration', label: m.trunk_registration },
        ],
      },
      { key: 'host', label: m.host, kind: 'text', required: true, max: 255 },
      { key: 'port', label: m.port, kind: 'number', min: 1, max: 65535 },
      {
        key: 'transport',
        label: m.transport,
        kind: 'select',
        options: ['udp', 'tcp', 'tls'].map((value) => ({ value, label: () => value.toUpperCase() })),
      },
      { key: 'username', label: m.username, kind: 'text', max: 100 },
      { key: 'password', label: m.password, kind: 'password', max: 200, hint: m.password_hint },
      { key: 'country', label: m.country, kind: 'text', max: 2, pattern: '[A-Z]{2}', hint: m.country_hint },
      {
        key: 'srtp',
        label: m.trunk_srtp,
        kind: 'select',
        options: [
          { value: 'offer', label: m.trunk_srtp_offer },
          { value: 'require', label: m.trunk_srtp_require },
          { value: 'off', label: m.trunk_srtp_off },
        ],
        hint: m.trunk_srtp_hint,
      },
      {
        key: 'forwardedAs',
        label: m.trunk_forwarded,
        kind: 'select',
        options: [
          { value: '', label: m.trunk_forwarded_no },
          { value: 'diversion', label: () => 'Diversion' },
          { value: 'history-info', label: () => 'History-Info' },
        ],
      },
      { key: 'maxChannels', label: m.max_channels, kind: 'number', min: 1 },
      { key: 'maxCallsPerS', label: m.max_calls_per_s, kind: 'number', min: 1, max: 1000 },
      { key: 'enabled', label: m.active, kind: 'check' },
    ],
  },
};
