import { ensureCertificates, localNames } from '../certificates/index.ts';
import type { Command } from './command.ts';

export const certificates: Command = {
  name: 'certificates',
  summary: "Make or renew the box's own certificate where that is due",
  async run({ context }) {
    const { external, paths, tlsCert, tlsKey, host, address } = context.config;
    if (external.certificate) {
      context.print(`${tlsCert} is configured; it is renewed where it comes from.`);
      return 0;
    }
    const files = { caCert: paths.caCert, keys: paths.keys, serverCert: tlsCert, serverKey: tlsKey };
    const made = ensureCertificates(files, { names: localNames([host, address]) });
    context.print(
      made.ca
        ? `A new authority: ${paths.caCert}`
        : made.server
          ? `A new certificate: ${tlsCert}`
          : 'The certificate is good.',
    );
    return 0;
  },
};
