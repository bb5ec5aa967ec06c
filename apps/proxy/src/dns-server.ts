import { createSocket, type RemoteInfo, type Socket as UdpSocket } from 'node:dgram';
import { readFileSync } from 'node:fs';
import { createServer, connect, type Server, type Socket } from 'node:net';
import {
  decode,
  encode,
  RECURSION_DESIRED,
  RECURSION_AVAILABLE,
  AUTHORITATIVE_ANSWER,
  TRUNCATED_RESPONSE,
  type Answer,
  type DecodedPacket,
  type Packet,
} from 'dns-packet';
import { DNS_TTL_SECONDS, type DnsRecord, type DnsZone } from '#libs/node';
import type { Logger } from '#libs/runtime';

const UDP_LIMIT = 512;
const HEADER_BYTES = 12;
const MAX_UDP_PAYLOAD = 4_096;
const FORWARD_TIMEOUT_MS = 2_000;
const MAX_FORWARDED = 1_000;
const MAX_TCP_CLIENTS = 256;
const TCP_IDLE_MS = 10_000;
const MAX_ALIASES = 8;
const NO_ERROR = 0;
const SERVER_FAILURE = 2;
const NAME_ERROR = 3;

/** The cluster's resolver on one node: names of the cluster from the zone, all others from the machine's own resolvers. */
export class DnsServer {
  private readonly udp: UdpSocket = createSocket('udp4');
  private readonly tcp: Server = createServer((socket) => this.serveTcp(socket));
  private readonly clients = new Set<Socket>();
  private forwarded = 0;
  private zone: DnsZone | undefined;

  constructor(
    private readonly options: {
      readonly address: string;
      readonly port: number;
      readonly domain: string;
      readonly resolvers: readonly string[];
      readonly logger: Logger;
    },
  ) {}

  /** From now on answers come from this zone; before the first one, SERVFAIL: resolvers then try again. */
  use(zone: DnsZone): void {
    this.zone = zone;
  }

  async start(): Promise<void> {
    const { address, port, logger } = this.options;
    this.udp.on('message', (message, from) => void this.serveUdp(message, from));
    await new Promise<void>((resolve, reject) => {
      this.udp.once('error', reject);
      this.udp.bind({ address, port }, resolve);
    });
    this.udp.on('error', (error) => logger.error('dns over udp', error));
    await new Promise<void>((resolve, reject) => {
      this.tcp.once('error', reject);
      this.tcp.listen({ host: address, port: this.port }, resolve);
    });
  }

  /** The port it listens on. */
  get port(): number {
    return this.udp.address().port;
  }

  async stop(): Promise<void> {
    for (const client of this.clients) client.destroy();
    await Promise.all([
      new Promise<void>((resolve) => this.udp.close(() => resolve())),
      new Promise<void>((resolve) => this.tcp.close(() => resolve())),
    ]);
  }

  private async serveUdp(message: Buffer, from: RemoteInfo): Promise<void> {
    const answer = await this.respond(message, true);
    if (answer) this.udp.send(answer, from.port, from.address, () => undefined);
  }

  private serveTcp(socket: Socket): void {
    if (this.clients.size >= MAX_TCP_CLIENTS) {
      socket.destroy();
      return;
    }
    this.clients.add(socket);
    socket.setTimeout(TCP_IDLE_MS, () => socket.destroy());
    socket.on('error', () => socket.destroy());
    socket.on('close', () => this.clients.delete(socket));
    let pending: Buffer = Buffer.alloc(0);
    socket.on('data', (piece) => {
      pending = Buffer.concat([pending, piece]);
      while (pending.length >= 2 && pending.length >= 2 + pending.readUInt16BE(0)) {
        const size = pending.readUInt16BE(0);
        const message = pending.subarray(2, 2 + size);
        pending = pending.subarray(2 + size);
        void this.respond(message, false).then((answer) => answer && !socket.destroyed && socket.write(framed(answer)));
      }
    });
  }

  /** The answer to one message, or undefined for what is no question at all. */
  private async respond(message: Buffer, udp: boolean): Promise<Buffer | undefined> {
    let query: DecodedPacket;
    try {
      query = decode(message);
    } catch {
      return undefined;
    }
    const question = query.questions?.[0];
    if (query.type !== 'query' || !question) return undefined;
    if (!this.zone) return this.encode(query, SERVER_FAILURE, [], [], udp);
    const answer = this.zone.answer({ name: question.name, type: question.type });
    switch (answer.kind) {
      case 'missing':
        return this.encode(query, NAME_ERROR, [], [], udp);
      case 'records':
        return this.encode(query, NO_ERROR, await this.chased(answer.answers, question.type), answer.additionals, udp);
      case 'forward':
        return (await this.forward(message, udp)) ?? this.encode(query, SERVER_FAILURE, [], [], udp);
    }
  }

  /** An alias, followed by what its target is: a name of the cluster, or one that the machine's resolvers know. */
  private async chased(answers: readonly DnsRecord[], type: string, depth = 0): Promise<readonly Answer[]> {
    const [alias] = answers;
    const own = answers.map(wireRecord);
    if (answers.length !== 1 || alias?.type !== 'CNAME' || (type !== 'A' && type !== 'AAAA') || depth > MAX_ALIASES) return own;
    const target = this.zone?.answer({ name: alias.data, type });
    if (target?.kind === 'records') return [...own, ...(await this.chased(target.answers, type, depth + 1))];
    if (target?.kind === 'missing') return own;
    const query = encode({ type: 'query', id: 1, flags: RECURSION_DESIRED, questions: [{ type, name: alias.data }] });
    const found = await this.forward(query, true);
    try {
      return found ? [...own, ...(decode(found).answers ?? [])] : own;
    } catch {
      return own;
    }
  }

  private async forward(message: Buffer, udp: boolean): Promise<Buffer | undefined> {
    if (this.forwarded >= MAX_FORWARDED) return undefined;
    this.forwarded++;
    try {
      for (const resolver of this.options.resolvers) {
        const answer = await (udp ? askUdp(message, resolver) : askTcp(message, resolver));
        if (answer) return answer;
      }
      return undefined;
    } finally {
      this.forwarded--;
    }
  }

  private encode(query: Packet, code: number, answers: readonly Answer[], additionals: readonly DnsRecord[], udp: boolean): Buffer {
    const flags = AUTHORITATIVE_ANSWER | RECURSION_AVAILABLE | ((query.flags ?? 0) & RECURSION_DESIRED) | code;
    const packet: Packet = {
      type: 'response',
      id: query.id ?? 0,
      flags,
      questions: query.questions ?? [],
      answers: [...answers],
      authorities: answers.length === 0 ? [this.authority()] : [],
      additionals: additionals.map(wireRecord),
    };
    const whole = encode(packet);
    if (!udp || whole.length <= payloadOf(query)) return whole;
    return fitting(packet, payloadOf(query));
  }

  private authority(): Answer {
    const domain = this.options.domain;
    return {
      type: 'SOA',
      name: domain,
      ttl: DNS_TTL_SECONDS,
      data: {
        mname: `ns.dns.${domain}`,
        rname: `hostmaster.${domain}`,
        serial: 1,
        refresh: 7_200,
        retry: 1_800,
        expire: 86_400,
        minimum: DNS_TTL_SECONDS,
      },
    };
  }
}

/** The machine's resolvers, as resolv.conf names them. */
export function machineResolvers(file = '/etc/resolv.conf'): readonly string[] {
  try {
    return [...readFileSync(file, 'utf8').matchAll(/^nameserver\s+(\d+\.\d+\.\d+\.\d+)/gm)]
      .flatMap(([, address]) => (address ? [address] : []))
      .slice(0, 3);
  } catch {
    return [];
  }
}

/** The packet in that many bytes: first without what is beside the answers, which nobody misses, then with as many answers as fit. */
function fitting(packet: Packet, limit: number): Buffer {
  const bare = encode({ ...packet, additionals: [] });
  if (bare.length <= limit) return bare;
  const flags = (packet.flags ?? 0) | TRUNCATED_RESPONSE;
  const answers = packet.answers ?? [];
  const sizes = answers.map((answer) => encode({ answers: [answer] }).length - HEADER_BYTES);
  let size = bare.length - sizes.reduce((sum, one) => sum + one, 0);
  const fits = sizes.findIndex((one) => (size += one) > limit);
  return encode({ ...packet, flags, answers: answers.slice(0, Math.max(0, fits)), additionals: [] });
}

/** Bytes of an answer that the asker can take over UDP: what EDNS says, else 512. */
function payloadOf(query: Packet): number {
  const option = (query.additionals ?? []).find(({ type }) => type === 'OPT');
  const size = option && 'udpPayloadSize' in option ? option.udpPayloadSize : UDP_LIMIT;
  return Math.min(MAX_UDP_PAYLOAD, Math.max(UDP_LIMIT, size));
}

function wireRecord(record: DnsRecord): Answer {
  return record.type === 'TXT' ? { ...record, data: [record.data] } : record;
}

function framed(message: Buffer): Buffer {
  const size = Buffer.alloc(2);
  size.writeUInt16BE(message.length);
  return Buffer.concat([size, message]);
}

function askUdp(message: Buffer, resolver: string): Promise<Buffer | undefined> {
  return new Promise((resolve) => {
    const socket = createSocket('udp4');
    const done = (answer: Buffer | undefined): void => {
      clearTimeout(timer);
      socket.close();
      resolve(answer);
    };
    const timer = setTimeout(() => done(undefined), FORWARD_TIMEOUT_MS);
    socket.once('message', (answer) => done(answer));
    socket.once('error', () => done(undefined));
    socket.send(message, 53, resolver);
  });
}

function askTcp(message: Buffer, resolver: string): Promise<Buffer | undefined> {
  return new Promise((resolve) => {
    const socket = connect({ host: resolver, port: 53, timeout: FORWARD_TIMEOUT_MS }, () => socket.write(framed(message)));
    let got: Buffer = Buffer.alloc(0);
    const done = (answer: Buffer | undefined): void => {
      socket.destroy();
      resolve(answer);
    };
    socket.on('data', (piece) => {
      got = Buffer.concat([got, piece]);
      if (got.length >= 2 && got.length >= 2 + got.readUInt16BE(0)) done(got.subarray(2, 2 + got.readUInt16BE(0)));
    });
    socket.on('timeout', () => done(undefined));
    socket.on('error', () => done(undefined));
    socket.on('close', () => resolve(undefined));
  });
}
