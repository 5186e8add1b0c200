// One trunk in service: who may call through it, what numbers mean on it, how calls leave by it.
import { isIP } from 'node:net';
import type { Codec } from '../sdp/index.ts';
import type { Credentials, DiversionReason, SipRequest, SipUri } from '../sip/index.ts';
import { diversionHeaders, parseDiversions, parseNameAddr, printNameAddr, privacyOf } from '../sip/index.ts';
import { Networks } from './networks.ts';
import { fromE164, isAnonymous, type NumberRules, toE164 } from './numbers.ts';
import type { TrunkRow } from './store.ts';

const KNOWN_NUMBERS = 5000;

export interface Caller {
  number: string;
  name?: string;
}

/** Who sent a call on to us. */
export interface Forwarded {
  /** E.164 with + where it is a public number; 'anonymous'. */
  by: string;
  reason: DiversionReason;
  count: number;
}

/** The parts of an INVITE out through a trunk. */
export interface Outbound {
  to: SipUri;
  from: { uri: SipUri; displayName?: string };
  headers: [string, string][];
  credentials?: Credentials;
}

export class Trunk {
  readonly row: TrunkRow;
  readonly #networks: Networks;
  readonly #rules: NumberRules;
  readonly #password: string | undefined;
  readonly #known = new Map<string, string>();
  /** Addresses of host and registrar, as last looked up. */
  #resolved: ReadonlySet<string> = new Set();

  constructor(row: TrunkRow, password: string | undefined) {
    this.row = row;
    this.#networks = new Networks(row.addresses);
    this.#rules = { country: row.country, format: row.numberFormat };
    this.#password = password;
    this.resolved([]);
  }

  get id(): string {
    return this.row.id;
  }

  get codecs(): readonly Codec[] {
    return this.row.codecs.length > 0 ? this.row.codecs : ['PCMA', 'PCMU'];
  }

  get port(): number {
    return this.row.port ?? (this.row.transport === 'tls' ? 5061 : 5060);
  }

  get credentials(): Credentials | undefined {
    return this.row.username && this.#password !== undefined
      ? { username: this.row.username, password: this.#password }
      : undefined;
  }

  /** Names that stand for this trunk's far side, to be looked up. */
  get hosts(): string[] {
    return [...new Set([this.row.host, ...(this.row.registrar ? [hostOf(this.row.registrar)] : [])])];
  }

  resolved(addresses: readonly string[]): void {
    this.#resolved = new Set([...addresses, ...this.hosts.filter((host) => isIP(host))]);
  }

  /** The far side's own address, which needs no rule of networks. */
  isPeer(remote: { address: string; port: number }): boolean {
    return this.#resolved.has(remote.address);
  }

  accepts(remote: { address: string; port: number }): boolean {
    return this.isPeer(remote) || this.#networks.has(remote.address);
  }

  /** Several accounts with one carrier call from one address: the account is in the Request-URI or the To. */
  names(request: SipRequest): boolean {
    return (
      this.row.username !== null &&
      (request.uri.user === this.row.username || request.to.uri.user === this.row.username)
    );
  }

  /** The DID that was called. */
  dialled(request: SipRequest): string {
    const user = request.uri.user ?? '';
    // Carriers that call the registered Contact put the DID into the To.
    const number = user === '' || user === this.row.username ? (request.to.uri.user ?? user) : user;
    return this.toE164(number.split(';')[0] ?? '');
  }

  /** Who calls: P-Asserted-Identity of a trusted trunk (RFC 3325 §9.1) before From; nobody when privacy is asked for (RFC 3323). */
  caller(request: SipRequest): Caller {
    const privacy = privacyOf(request);
    const restricted = privacy.has('id') || privacy.has('user') || privacy.has('header');
    const identity = assertedBy(request) ?? { uri: request.from.uri, displayName: request.from.displayName };
    const user = identity.uri.user ?? '';
    if (restricted || isAnonymous(user) || identity.uri.host === 'anonymous.invalid') return { number: 'anonymous' };
    const name = identity.displayName?.trim().slice(0, 120);
    return { number: this.toE164(user.split(';')[0] ?? ''), ...(name && !isAnonymous(name) ? { name } : {}) };
  }

  /** Who sent the caller on, the last one first. */
  forwarders(request: SipRequest): Forwarded[] {
    return parseDiversions(request).map(({ uri, reason, count, hidden }) => {
      const user = (uri.user ?? '').split(';')[0]!;
      return { by: hidden || isAnonymous(user) ? 'anonymous' : this.toE164(readable(user)), reason, count };
    });
  }

  /** Numbers come again: DIDs all day, a caller in several fields. */
  toE164(number: string): string {
    const known = this.#known.get(number);
    if (known !== undefined) return known;
    const found = toE164(number, this.#rules);
    if (this.#known.size >= KNOWN_NUMBERS) this.#known.clear();
    this.#known.set(number, found);
    return found;
  }

  /** Is audio encrypted on calls out? */
  get srtp(): 'off' | 'offer' | 'require' {
    return this.row.transport === 'tls' ? this.row.srtp : 'off';
  }

  outbound(
    number: string,
    from: Caller,
    local: string,
    forwarded?: { by: string; reason: DiversionReason } | undefined,
  ): Outbound {
    const uri = (user: string, host: string): SipUri => ({ scheme: 'sip', user, host });
    const host = this.row.realm ?? this.row.host;
    const to: SipUri = {
      ...uri(fromE164(this.toE164(number), this.#rules), bracketed(this.row.host)),
      ...(this.row.port ? { port: this.row.port } : {}),
      ...(this.row.transport === 'udp' ? {} : { params: { transport: this.row.transport } }),
    };
    const rule = this.row.callerId;
    const own =
      rule.mode === 'fixed' ? rule.number : from.number.startsWith('+') ? from.number : (rule.number ?? from.number);
    const number_ = isAnonymous(own) ? (this.row.username ?? 'anonymous') : fromE164(own, this.#rules);
    const identity = uri(number_, bracketed(this.row.kind === 'registration' ? host : local));
    const hidden = rule.mode === 'anonymous' || (from.number === 'anonymous' && rule.mode === 'pass');
    const name = rule.mode === 'fixed' ? rule.name : from.name;
    const headers: [string, string][] = [['P-Asserted-Identity', printNameAddr({ uri: identity })]];
    // RFC 3323 §4.1, RFC 3325 §9.3
    if (hidden) headers.push(['Privacy', 'id']);
    if (forwarded && this.row.forwardedAs && !isAnonymous(forwarded.by)) {
      const by = uri(fromE164(this.toE164(forwarded.by), this.#rules), identity.host);
      headers.push(...diversionHeaders(this.row.forwardedAs, { by, to, reason: forwarded.reason }));
    }
    return {
      to,
      from: hidden
        ? { uri: uri('anonymous', 'anonymous.invalid'), displayName: 'Anonymous' }
        : { uri: identity, ...(name ? { displayName: name } : {}) },
      headers,
      ...(this.credentials ? { credentials: this.credentials } : {}),
    };
  }
}

/** Escapes undone, and nothing that a screen would stumble over. */
function readable(user: string): string {
  return user
    .replace(/%([0-9a-f]{2})/gi, (_, hex: string) => String.fromCharCode(Number.parseInt(hex, 16)))
    .replace(/[^\x20-\x7e]/g, '')
    .slice(0, 64);
}

/** `sip:` is optional in what people write into the registrar's field. */
export function hostOf(registrar: string): string {
  return registrar
    .replace(/^sips?:/i, '')
    .replace(/[;?].*$/, '')
    .replace(/:\d+$/, '');
}

function assertedBy(request: SipRequest): { uri: SipUri; displayName: string | undefined } | undefined {
  for (const value of request.list('p-asserted-identity').slice(0, 4)) {
    try {
      const address = parseNameAddr(value);
      if (address.uri.user) return { uri: address.uri, displayName: address.displayName };
    } catch {
      // A malformed identity asserts nothing.
    }
  }
  return undefined;
}

function bracketed(host: string): string {
  return isIP(host) === 6 ? `[${host}]` : host;
}
