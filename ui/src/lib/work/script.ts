// The script of a queue: a few marks that administrators know, and nothing that could be more than text.

export type Piece = { text: string; bold: boolean };
export type Block =
  | { kind: 'head'; pieces: Piece[] }
  | { kind: 'text'; pieces: Piece[] }
  | { kind: 'list'; items: Piece[][] };

export interface Fields {
  caller: string;
  queue: string;
  agent: string;
}

/** `# head`, `- item`, `**bold**`, an empty line between paragraphs; `{caller}`, `{queue}` and `{agent}` are filled in. */
export function readScript(source: string, fields: Fields): Block[] {
  const blocks: Block[] = [];
  let open: string[] = [];
  const close = () => {
    if (open.length > 0) blocks.push({ kind: 'text', pieces: pieces(open.join(' '), fields) });
    open = [];
  };
  for (const line of source.split(/\r?\n/).map((one) => one.trim())) {
    const head = /^#+\s+(.*)$/.exec(line)?.[1];
    const item = /^[-*•]\s+(.*)$/.exec(line)?.[1];
    if (head === undefined && item === undefined && line) {
      open.push(line);
      continue;
    }
    close();
    if (head !== undefined) blocks.push({ kind: 'head', pieces: pieces(head, fields) });
    if (item === undefined) continue;
    const last = blocks.at(-1);
    if (last?.kind === 'list') last.items.push(pieces(item, fields));
    else blocks.push({ kind: 'list', items: [pieces(item, fields)] });
  }
  close();
  return blocks;
}

function pieces(text: string, fields: Fields): Piece[] {
  // Filled in after the marks are read: a name with stars in it stays a name.
  const fill = (part: string) => part.replace(/\{(caller|queue|agent)\}/g, (_, name: keyof Fields) => fields[name]);
  return text
    .split(/\*\*(.+?)\*\*/)
    .map((part, index) => ({ text: fill(part), bold: index % 2 === 1 }))
    .filter((piece) => piece.text !== '');
}
