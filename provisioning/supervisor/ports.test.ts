import { createSocket } from 'node:dgram';
import { createServer } from 'node:net';
import { expect, test } from 'vitest';
import { loadConfig } from '#appliance/platform/config/index.ts';
import { testDataFolder } from '#test/support/data-folder.ts';
import { checkPorts, holderOf } from './ports.ts';

test('a taken port is named with its holder and the way out', async () => {
  const folder = await testDataFolder();
  const config = loadConfig(folder.env);
  await checkPorts(config);
  const server = createServer();
  await new Promise<void>((resolve) => server.listen(config.httpsPort, '127.0.0.1', resolve));
  const socket = createSocket('udp4');
  await new Promise<void>((resolve) => socket.bind(config.sipPort, '127.0.0.1', resolve));
  await expect(checkPorts(config)).rejects.toThrow(
    new RegExp(
      `Port ${config.httpsPort}/tcp for HTTPS is taken by .+ \\(process ${process.pid}\\): stop that, or choose another with STRONGROOM_HTTPS_PORT=\\d+\\.\nPort ${config.sipPort}/udp for SIP is taken`,
    ),
  );
  expect(holderOf('udp', config.sipPort)).toContain(`process ${process.pid}`);
  server.close();
  socket.close();
  folder.remove();
});
