import type { Readable, Writable } from 'node:stream';
import type { AppliedLimits, ContainerSettings, ObservedContainer, SandboxSettings } from '#libs/node';

/** An image as it is on the node. */
export interface LocalImage {
  readonly id: string;
  readonly sizeBytes: number;
  /** The user it runs as unless told otherwise. */
  readonly user: string;
}

/** A process run in a container, or the container's own, with its streams. With a terminal all output is on `stdout`. */
export interface StreamSession {
  readonly stdin: Writable;
  readonly stdout: Readable;
  readonly stderr: Readable;
  resize(columns: number, rows: number): Promise<void>;
  /** The exit code, once the output has ended; of an attached container undefined while it runs on. */
  readonly exit: Promise<number | undefined>;
  close(): void;
}

/** How a process is to be run, or a container attached to. */
export interface StreamOptions {
  readonly stdin: boolean;
  readonly stdout: boolean;
  readonly stderr: boolean;
  readonly tty: boolean;
}

/** Which part of a container's log is wanted. Times are in seconds since the epoch, with fractions. */
export interface LogOptions {
  readonly follow: boolean;
  readonly timestamps: boolean;
  readonly tail?: number;
  readonly since?: number;
  /** Which streams: `All`, `Stdout` or `Stderr`. */
  readonly stream?: 'All' | 'Stdout' | 'Stderr';
  readonly signal?: AbortSignal;
}

/** What a container uses now. */
export interface ContainerUsage {
  readonly cpuNanoseconds: number;
  readonly memoryBytes: number;
  readonly rxBytes: number;
  readonly txBytes: number;
}

/** An image could not be had; `message` is the registry's or the engine's own. */
export class PullError extends Error {
  override readonly name = 'PullError';
}

/** A container was made but could not be started; `message` is the engine's. */
export class StartError extends Error {
  override readonly name = 'StartError';
}

/**
 * What runs a node's pods. It keeps a view of the containers that belong to this cluster and node, current by
 * itself: reading it costs nothing. Failures are thrown as the engine phrases them.
 */
export interface ContainerRuntime {
  /** The scheme of container ids: `docker`. */
  readonly name: string;
  readonly version: string;
  /** Looks at what there is and follows it from then on; `onChange` hears the uid of a pod whose containers changed. */
  start(onChange: (podUid: string) => void): Promise<void>;
  stop(): Promise<void>;
  containersOf(podUid: string): readonly ObservedContainer[];
  /** Every pod of which a container is left. */
  podUids(): readonly string[];
  createSandbox(settings: SandboxSettings): Promise<ObservedContainer>;
  /** The id of the new container, not yet started. */
  createContainer(settings: ContainerSettings): Promise<string>;
  startContainer(id: string): Promise<void>;
  /** Sends a signal; none of its business if the container has ended. */
  signal(id: string, signal: string): Promise<void>;
  /** True when the container has ended or is gone; false when it still runs after `timeoutMs` or the signal came. */
  waitForExit(id: string, timeoutMs: number, signal?: AbortSignal): Promise<boolean>;
  /** Gives a container that runs other limits of cpu and memory. */
  resizeContainer(id: string, limits: AppliedLimits): Promise<void>;
  removeContainer(id: string): Promise<void>;
  image(name: string): Promise<LocalImage | undefined>;
  /** Throws PullError. */
  pullImage(name: string, auth: object | undefined, signal: AbortSignal): Promise<void>;
  images(): Promise<readonly { readonly names: readonly string[]; readonly sizeBytes: number }[]>;
  exec(id: string, command: readonly string[], options: StreamOptions): Promise<StreamSession>;
  attach(id: string, options: StreamOptions): Promise<StreamSession>;
  logs(id: string, options: LogOptions): Promise<Readable>;
  usage(id: string): Promise<ContainerUsage | undefined>;
}
