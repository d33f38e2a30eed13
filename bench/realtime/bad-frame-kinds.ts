/** Everything bad that a client can say, and what the protocol answers. Pure: the same list every time. */
import type { WebSocket } from 'ws';
import { closeCode, liveLimits } from '#contracts/live';

export interface BadFrame {
  name: string;
  isAfterHello: boolean;
  say: (socket: WebSocket, lastSeq: number) => void;
  /** Any of these is right. */
  expected: readonly (number | 'open')[];
}

const { badFrame, frameTooLarge, protocolMismatch, tooManyFrames } = closeCode;
/** The WebSocket protocol's own words for text that is not UTF-8, and for a frame that breaks its rules. */
const notUtf8 = 1007;

const text = (name: string, frame: string, expected: BadFrame['expected'], isAfterHello = true): BadFrame => ({
  ...{ name, isAfterHello, expected },
  say: (socket) => socket.send(frame),
});
const binary = (name: string, bytes: Uint8Array, expected: BadFrame['expected'], isAfterHello = true): BadFrame => ({
  ...{ name, isAfterHello, expected },
  say: (socket) => socket.send(bytes),
});

/** Bytes without any order, the same each time. */
function noise(size: number, seed: number): Uint8Array {
  const bytes = new Uint8Array(size);
  let state = seed;
  for (let n = 0; n < size; n += 1) {
    state = (Math.imul(state, 1_103_515_245) + 12_345) & 0x7fff_ffff;
    bytes[n] = state >>> 16;
  }
  return bytes;
}

const id = '01900000-0000-7000-8c00-000000000001';
/** What stands where something else should. */
const wrongValues: readonly [name: string, value: unknown][] = [
  ['null', null],
  ['true', true],
  ['a negative number', -1],
  ['a fraction', 1.5],
  ['a huge number', 1e300],
  ['a text', 'x'],
  ['an empty list', []],
  ['a list of lists', [[]]],
  ['an object', { a: 1 }],
];

/** A message with one field replaced by each wrong value; `isRight` says which of them are none. */
function withWrong(
  message: Readonly<Record<string, unknown>>,
  field: string,
  isRight: (value: unknown) => boolean = () => false,
  expected: BadFrame['expected'] = [badFrame],
): BadFrame[] {
  return wrongValues
    .filter(([, value]) => !isRight(value))
    .map(([name, value]) =>
      text(
        `${String(message['type'])} with ${field}: ${name}`,
        JSON.stringify({ ...message, [field]: value }),
        expected,
      ),
    );
}

const hello = { type: 'hello', protocol: 1 };
const isNumber = (value: unknown): boolean => typeof value === 'number';

export function badFrames(): BadFrame[] {
  const tooLarge = liveLimits.maxFrameBytes + 1;
  const sizes = [0, 1, 2, 3, 4, 7, 8, 16, 36, 64, 125, 126, 127, 128, 1_000, 4_096, 65_536 / 4];
  const notJson = [
    ...[
      '',
      ' ',
      '{',
      '}',
      '[',
      ']',
      '"',
      '{"type"',
      '{"type":',
      '{"type":"hello"',
      '{"type":"hello",}',
      "{'type':'hello'}",
    ],
    ...['undefined', 'NaN', 'Infinity', '-', '01', '1e', '"\\x"', '"\\u12"', '{"a":1}{"b":2}', '// a', 'type=hello'],
    ...[
      '<hello/>',
      'GET / HTTP/1.1\r\n\r\n',
      '\u0000',
      '\uFEFF{"type":"ack","seq":0}',
      'pong',
      'PING',
      'ping ',
      ' ping',
      'ping\n',
    ],
    ...[
      '{"type":"ack","seq":0',
      '{"type":"ack","seq":0}}',
      '{"type":"ack","seq":00}',
      '{"type":"ack","seq":+1}',
      '{"type":"ack","seq":0x1}',
    ],
  ];
  const notMessages = [
    ...['null', 'true', '0', '-1', '1e400', '""', '"hello"', '[]', '[{"type":"hello","protocol":1}]', '{}'],
    ...['{"type":null}', '{"type":1}', '{"type":[]}', '{"type":{}}', '{"type":""}', '{"type":"HELLO","protocol":1}'],
    ...[
      'welcome',
      'snapshot',
      'delta',
      'notice',
      'error',
      'command',
      'positions',
      'accepted',
      'subscribe',
      'ping',
      '__proto__',
      'constructor',
      'toString',
    ].map((type) => JSON.stringify({ type, protocol: 1, seq: 1 })),
    '{"__proto__":{"type":"ack","seq":0}}',
    '{"constructor":{"prototype":{"type":"ack"}}}',
    `{"type":"ack","seq":${'9'.repeat(400)}}`,
    `${'['.repeat(8_000)}${']'.repeat(8_000)}`,
    `${'{"a":'.repeat(2_500)}1${'}'.repeat(2_500)}`,
  ];
  const afterHello: BadFrame[] = [
    ...sizes.map((size) => binary(`${size} bytes of nothing in particular`, noise(size, size + 1), [badFrame])),
    binary('a hello as bytes', new TextEncoder().encode(JSON.stringify(hello)), [badFrame]),
    binary('more bytes than a frame may have', noise(tooLarge, 5), [frameTooLarge]),
    binary('a megabyte', noise(1_000_000, 6), [frameTooLarge]),
    ...notJson.map((frame) => text(`no JSON: ${JSON.stringify(frame)}`, frame, [badFrame])),
    ...notMessages.map((frame) => text(`no message: ${frame.slice(0, 60)}`, frame, [badFrame])),
    text('a byte more than a frame may have', 'x'.repeat(tooLarge), [frameTooLarge]),
    text('more in UTF-8 than in letters', '€'.repeat(Math.ceil(tooLarge / 3)), [frameTooLarge]),
    text('a megabyte of text', 'x'.repeat(1_000_000), [frameTooLarge]),
    text('a hello of a megabyte', JSON.stringify({ ...hello, padding: 'x'.repeat(1_000_000) }), [frameTooLarge]),
    ...withWrong({ type: 'ack', seq: 0 }, 'seq', () => false),
    text('an ack without a number', '{"type":"ack"}', [badFrame]),
    ...[1, 2, 1_000, 2 ** 31, 2 ** 53 - 2].map((ahead): BadFrame => ({
      name: `an ack ${ahead} ahead`,
      isAfterHello: true,
      say: (socket, lastSeq) => socket.send(JSON.stringify({ type: 'ack', seq: lastSeq + 1_000_000 + ahead })),
      expected: [badFrame],
    })),
    ...withWrong(hello, 'protocol', isNumber),
    ...[0, 2, 3, -1, 1.5, 1e300].map((protocol) =>
      text(`protocol ${protocol}`, JSON.stringify({ ...hello, protocol }), [protocolMismatch]),
    ),
    text('a hello without a protocol', '{"type":"hello"}', [badFrame]),
    ...withWrong(hello, 'encoding'),
    ...withWrong(hello, 'resume'),
    ...withWrong(hello, 'filter'),
    ...withWrong({ type: 'filter', filter: {} }, 'filter'),
    text('a filter that is not there', '{"type":"filter"}', [badFrame]),
    ...['epoch', 'seq'].flatMap((field) =>
      wrongValues
        .filter(([, value]) => !(field === 'epoch' && value === 'x'))
        .map(([name, value]) =>
          text(
            `resume with ${field}: ${name}`,
            JSON.stringify({ ...hello, resume: { epoch: 'x', seq: 1, [field]: value } }),
            [badFrame],
          ),
        ),
    ),
    ...['tenantIds', 'vehicleIds', 'riskLevels', 'groupId'].flatMap((field) =>
      wrongValues
        .filter(([name]) => !(name === 'an empty list' && field !== 'groupId'))
        .map(([name, value]) =>
          text(`filter with ${field}: ${name}`, JSON.stringify({ type: 'filter', filter: { [field]: value } }), [
            badFrame,
          ]),
        ),
    ),
    text('a filter with a field of its own', '{"type":"filter","filter":{"everything":true}}', [badFrame]),
    text('a filter with no risk', '{"type":"filter","filter":{"riskLevels":["none"]}}', [badFrame]),
    text('a filter with ids that are none', '{"type":"filter","filter":{"vehicleIds":["1 OR 1=1"]}}', [badFrame]),
    text(
      'a filter with more ids than there may be',
      JSON.stringify({ type: 'filter', filter: { vehicleIds: Array.from({ length: 501 }, () => id) } }),
      // Which of the two is found first is no promise.
      [badFrame, frameTooLarge],
    ),
    ...withWrong(
      { type: 'heartbeat', build: 'b', uptimeSeconds: 1, viewport: '1x1' },
      'uptimeSeconds',
      (value) => value === 1.5 || value === 1e300,
    ),
    ...withWrong(
      { type: 'heartbeat', build: 'b', uptimeSeconds: 1, viewport: '1x1' },
      'build',
      (value) => value === 'x',
    ),
    {
      name: 'text that is not UTF-8',
      isAfterHello: true,
      say: (socket) => socket.send(Uint8Array.from([0x7b, 0xff, 0xfe, 0x7d]), { binary: false }),
      expected: [badFrame, notUtf8],
    },
    {
      name: 'thirty frames in a moment',
      isAfterHello: true,
      say: (socket) => {
        for (let n = 0; n < 30; n += 1) socket.send('{"type":"ack","seq":0}');
      },
      expected: [tooManyFrames],
    },
    {
      name: 'thirty filters in a moment',
      isAfterHello: true,
      say: (socket) => {
        for (let n = 0; n < 30; n += 1) socket.send('{"type":"filter","filter":{}}');
      },
      expected: [tooManyFrames],
    },
    {
      name: 'a frame in pieces that makes no sense',
      isAfterHello: true,
      say: (socket) => {
        socket.send('{"type":', { fin: false });
        socket.send('"nothing"', { fin: false });
        socket.send('}', { fin: true });
      },
      expected: [badFrame],
    },
    // Bad manners, and allowed.
    text('an ack of what was acknowledged', '{"type":"ack","seq":0}', ['open']),
    text('a filter that matches nothing', '{"type":"filter","filter":{"vehicleIds":[]}}', ['open']),
    text('a filter of a foreign tenant', `{"type":"filter","filter":{"tenantIds":["${id}"]}}`, ['open']),
    text('a group, which is answered by an error', `{"type":"filter","filter":{"groupId":"${id}"}}`, ['open']),
    text('a hello with room around it', ` \n${JSON.stringify(hello)}\t`, ['open']),
    text('a resume of another history', JSON.stringify({ ...hello, resume: { epoch: 'x', seq: 99 } }), ['open']),
    text('fields nobody asked for', JSON.stringify({ ...hello, admin: true, tenantId: id }), ['open']),
  ];
  const beforeHello = [
    ...[
      '{"type":"ack","seq":0}',
      '{"type":"filter","filter":{}}',
      '{"type":"heartbeat","build":"b","uptimeSeconds":1,"viewport":"1x1"}',
    ],
    ...['{}', 'null', 'x', ''],
  ].map((frame) => text(`before hello: ${frame}`, frame, [badFrame], false));
  return [
    ...beforeHello,
    binary('before hello: bytes', noise(100, 3), [badFrame], false),
    text('before hello: a megabyte', 'x'.repeat(1_000_000), [frameTooLarge], false),
    text('before hello: another protocol', JSON.stringify({ ...hello, protocol: 2 }), [protocolMismatch], false),
    ...afterHello,
  ];
}
