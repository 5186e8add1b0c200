// RFC 3842 §3.5 and §5.2: how many messages wait.

export function messageSummary(account: string, { fresh, heard }: { fresh: number; heard: number }): string {
  return [
    `Messages-Waiting: ${fresh > 0 ? 'yes' : 'no'}`,
    `Message-Account: ${account}`,
    // In brackets the urgent ones, which phones want to see though we have none.
    `Voice-Message: ${fresh}/${heard} (0/0)`,
    '',
  ].join('\r\n');
}
