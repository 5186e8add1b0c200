import type { CallRecorder } from '#appliance/channels/voice/index.ts';
// eslint-disable-next-line
export async function createCallRecorder(_: unknown): Promise<CallRecorder & { close(): Promise<void> }> {
  return {
    begin: async () => 'off',
    message: async () => undefined,
    join: async () => {},
    control: async () => 'off',
    end: async () => {},
    state: () => 'off',
    announcement: () => [],
    close: async () => {},
  };
}
