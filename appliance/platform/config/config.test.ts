import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, expect, test } from 'vitest';
import { loadConfig } from './index.ts';

const dir = mkdtempSync(join(tmpdir(), 'strongroom-config-'));
afterAll(() => rmSync(dir, { recursive: true }));

function load(env: Record<string, string> = {}, yaml = '') {
  const file = join(dir, 'strongroom.yaml');
  writeFileSync(file, yaml);
  return loadConfig({ STRONGROOM_DATA: dir, ...env });
}

test('without a file and without environment the contract ports stand', () => {
  expect(load()).toMatchObject({
    dataDir: dir,
    httpsPort: 8443,
    httpPort: 8080,
    sipPort: 5060,
    sipTlsPort: 5061,
    rtpPorts: { from: 30000, to: 39999 },
    edgePorts: { from: 40000, to: 49999 },
    postgresPort: 54329,
    redisPort: 63799,
    rtpengine: '127.0.0.1:22222',
    external: { postgres: false, redis: false, rtpengine: false },
  });
});

test('the environment wins over the file', () => {
  const config = load({ STRONGROOM_HTTPS_PORT: '24443' }, 'https_port: 9443\nsip_port: 24060\n');
  expect(config).toMatchObject({ httpsPort: 24443, sipPort: 24060 });
});

test('a URL makes the service somebody else’s', () => {
  const config = load({
    STRONGROOM_REDIS_URL: 'redis://redis.lan:6379/2',
    STRONGROOM_RTPENGINE_URL: 'udp://edge.lan:2223',
  });
  expect(config.external).toMatchObject({ postgres: false, redis: true, rtpengine: true });
  expect(config.rtpengine).toBe('edge.lan:2223');
});

test.each([
  ['htps_port: 1', {}, /unknown key htps_port. Did you mean https_port\?/],
  ['', { STRONGROOM_SIP_PROT: '5070' }, /STRONGROOM_SIP_PROT means nothing here. Did you mean STRONGROOM_SIP_PORT\?/],
  ['https_port: many', {}, /https_port cannot be "many"/],
  ['rtp_ports: 40000-30000', {}, /rtp_ports cannot be/],
  ['rtp_ports: 30000-45000', {}, /overlap/],
  ['http_port: 8443', {}, /http_port and https_port are both 8443/],
  ['tls_cert: a.pem', {}, /belong together/],
  ['data: /tmp', {}, /STRONGROOM_DATA/],
  ['- a\n- b', {}, /key: value/],
  ['a: [', {}, /not valid YAML/],
  ['country: usa', {}, /two capital letters/],
])('refuses %j %j', (yaml, env, message) => {
  expect(() => load(env, yaml)).toThrow(message);
});

test('a configuration file that was named must exist', () => {
  expect(() => load({ STRONGROOM_CONFIG: join(dir, 'none.yaml') })).toThrow(/does not exist/);
});

test('switches of the test-suite are no configuration', () => {
  expect(() => load({ STRONGROOM_TEST_SLOW: '1' })).not.toThrow();
});

test('sockets of a data folder with a long path lie elsewhere', () => {
  const config = loadConfig({}, { dataDir: `/tmp/${'long/'.repeat(20)}` });
  expect(Buffer.byteLength(join(config.paths.run, 'pg', '.s.PGSQL.54329.lock'))).toBeLessThan(107);
});
