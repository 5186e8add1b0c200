import { createPrivateKey, randomBytes, X509Certificate } from 'node:crypto';
import { existsSync, mkdtempSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { isIP } from 'node:net';
import { hostname, networkInterfaces, tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { ownFolder } from '../services/child.ts';
import { newKey, openssl } from './openssl.ts';

export interface CertificateFiles {
  /** The box's own authority, given to browsers and phones. */
  caCert: string;
  /** Folder of private keys. */
  keys: string;
  serverCert: string;
  serverKey: string;
}

const CA_DAYS = 3650;
/** Browsers refuse certificates that are valid for longer. */
const SERVER_DAYS = 397;
const RENEW_BEFORE_MS = 30 * 86_400_000;

/**
 * Makes the authority and the server's certificate at the first start, and a new server certificate when the old one
 * expires soon or lacks a name or address of this machine, or when it is asked for. Returns what was made.
 */
export function ensureCertificates(
  files: CertificateFiles,
  options: { names?: string[]; now?: Date; renew?: boolean } = {},
): { ca: boolean; server: boolean } {
  const names = options.names ?? localNames();
  const now = options.now ?? new Date();
  ownFolder(files.keys, 0o700);
  const caKey = join(files.keys, 'ca.key');
  const ca = !existsSync(files.caCert) || !existsSync(caKey);
  if (ca) makeAuthority(files.caCert, caKey);
  const server = ca || options.renew === true || !isServerGood(files, names, now);
  if (server) makeServer(files, caKey, names);
  return { ca, server };
}

/** Every name and address by which this machine may be called. */
export function localNames(extra: string[] = []): string[] {
  const addresses = Object.values(networkInterfaces()).flatMap((list) => list ?? []);
  const usable = addresses.filter((one) => !one.address.startsWith('fe80:')).map((one) => one.address);
  const names = ['localhost', hostname(), ...extra, '127.0.0.1', '::1', ...usable];
  return [...new Set(names.filter((name) => isIP(name) || /^[A-Za-z0-9]([A-Za-z0-9.-]*[A-Za-z0-9])?$/.test(name)))];
}

function makeAuthority(certFile: string, keyFile: string): void {
  const key = newKey();
  writePrivate(keyFile, key);
  const subject = `/O=Strongroom/CN=Strongroom CA of ${hostname().replace(/[^A-Za-z0-9.-]/g, '-')} ${randomBytes(3).toString('hex')}`;
  const args = ['req', '-x509', '-new', '-key', keyFile, '-sha256', '-days', String(CA_DAYS), '-subj', subject];
  args.push(
    '-addext',
    'basicConstraints=critical,CA:TRUE,pathlen:0',
    '-addext',
    'keyUsage=critical,keyCertSign,cRLSign',
  );
  writePublic(certFile, openssl(args));
}

function makeServer(files: CertificateFiles, caKey: string, names: string[]): void {
  const dir = mkdtempSync(join(tmpdir(), 'strongroom-certificate-'));
  try {
    const keyFile = join(dir, 'server.key');
    const extFile = join(dir, 'extensions');
    const key = newKey();
    writePrivate(keyFile, key);
    const alternatives = names.map((name) => (isIP(name) ? `IP:${name}` : `DNS:${name}`)).join(',');
    const lines = [
      'basicConstraints=critical,CA:FALSE',
      'keyUsage=critical,digitalSignature',
      'extendedKeyUsage=serverAuth,clientAuth',
      'subjectKeyIdentifier=hash',
      'authorityKeyIdentifier=keyid',
      `subjectAltName=${alternatives}`,
    ];
    writeFileSync(extFile, `${lines.join('\n')}\n`);
    const request = openssl(['req', '-new', '-key', keyFile, '-subj', '/O=Strongroom/CN=Strongroom']);
    const sign = ['x509', '-req', '-CA', files.caCert, '-CAkey', caKey, '-sha256', '-days', String(SERVER_DAYS)];
    sign.push('-set_serial', `0x${randomBytes(16).toString('hex')}`, '-extfile', extFile);
    const cert = openssl(sign, request);
    writePrivate(files.serverKey, key);
    // With the authority behind it, so that a client that knows the authority needs nothing else.
    writePublic(files.serverCert, cert + readFileSync(files.caCert, 'utf8'));
  } finally {
    rmSync(dir, { recursive: true });
  }
}

function isServerGood(files: CertificateFiles, names: string[], now: Date): boolean {
  try {
    const cert = new X509Certificate(readFileSync(files.serverCert));
    const ca = new X509Certificate(readFileSync(files.caCert));
    return (
      cert.checkPrivateKey(createPrivateKey(readFileSync(files.serverKey))) &&
      cert.verify(ca.publicKey) &&
      new Date(cert.validTo).getTime() - now.getTime() > RENEW_BEFORE_MS &&
      names.every((name) => (isIP(name) ? cert.checkIP(name) : cert.checkHost(name)) !== undefined)
    );
  } catch {
    return false;
  }
}

function writePrivate(file: string, content: string): void {
  replace(file, content, 0o600);
}

function writePublic(file: string, content: string): void {
  replace(file, content, 0o644);
}

/** Readers see the old file or the new one. */
function replace(file: string, content: string, mode: number): void {
  const making = join(dirname(file), `.making-${randomBytes(4).toString('hex')}`);
  writeFileSync(making, content, { mode });
  renameSync(making, file);
}
