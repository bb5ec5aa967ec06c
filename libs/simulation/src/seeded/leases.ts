import type { Membership } from '#libs/runtime';
import type { VirtualWorld } from '../virtual-world.js';
import type { SimulatedProcess } from './process.js';
import type { Weather } from './weather.js';

const RENEW_MS = 1_500;
/** So long after it was last asked for the own lease holds: less than others wait. */
const HOLDS_MS = 4_000;
/** Who was not heard of for so long is dead. */
const DEAD_MS = 5_500;
/** Where not even the own lease is heard of, nothing is known of the others. */
const SILENT_MS = 3_000;

type Heard = (id: string, isThere: boolean) => void;

/** The bucket that leases are in: who follows a service hears of each renewal. */
export class Leases {
  readonly #followers = new Map<string, Set<Heard>>();

  put(service: string, id: string, isThere: boolean): void {
    for (const heard of this.#followers.get(service) ?? []) heard(id, isThere);
  }

  follow(service: string, heard: Heard): void {
    const followers = this.#followers.get(service) ?? new Set();
    this.#followers.set(service, followers.add(heard));
  }

  unfollow(service: string, heard: Heard): void {
    this.#followers.get(service)?.delete(heard);
  }
}

/** What a membership is kept with. */
export interface MembershipOptions {
  readonly service: string;
  readonly leases: Leases;
  readonly process: SimulatedProcess;
  readonly world: VirtualWorld;
  readonly weather: () => Weather;
  /** Whether nothing comes through. */
  readonly isCut: () => boolean;
}

/** One process's own lease, and what it has heard of the others': by the rules of the bucket's real clients. */
export class SimulatedMembership implements Membership {
  readonly self: string;
  readonly #heard = new Map<string, number>();
  readonly #listeners = new Set<() => void>();
  #until = 0;
  #wasLeased = false;
  #known: readonly string[] = [];
  #left = false;

  constructor(private readonly options: MembershipOptions) {
    this.self = options.process.name;
    options.leases.follow(options.service, this.#hear);
    this.#renew();
  }

  get members(): readonly string[] {
    return this.#known;
  }

  get leased(): boolean {
    return this.options.world.now() < this.#until;
  }

  subscribe(listener: () => void): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }

  leave(): Promise<void> {
    const { leases, service } = this.options;
    this.#left = true;
    this.#until = 0;
    leases.unfollow(service, this.#hear);
    if (!this.options.isCut()) leases.put(service, this.self, false);
    return Promise.resolve();
  }

  readonly #hear: Heard = (id, isThere) => {
    const { process } = this.options;
    if (process.state === 'dead' || this.#isLost()) return;
    process.after(this.#delay(), () => {
      if (isThere) this.#heard.set(id, this.options.world.now());
      else this.#heard.delete(id);
      this.#refresh();
    });
  };

  #renew(): void {
    if (this.#left) return;
    const { leases, process, service, world } = this.options;
    const asked = world.now();
    if (!this.#isLost()) {
      world.after(this.#delay(), () => {
        leases.put(service, this.self, true);
        if (this.#isLost()) return;
        process.after(this.#delay(), () => {
          if (!this.#left) this.#until = Math.max(this.#until, asked + HOLDS_MS);
          this.#refresh();
        });
      });
    }
    this.#refresh();
    process.after(RENEW_MS, () => this.#renew());
  }

  #isLost(): boolean {
    const { isCut, weather, world } = this.options;
    const { lostRenewal } = weather();
    return isCut() || (lostRenewal > 0 && world.random() < lostRenewal);
  }

  #delay(): number {
    return Math.ceil(this.options.world.random() * this.options.weather().delayMs);
  }

  #refresh(): void {
    const now = this.options.world.now();
    const own = this.#heard.get(this.self) ?? 0;
    if (own > 0 && now - own < SILENT_MS) for (const [id, at] of this.#heard) if (now - at > DEAD_MS) this.#heard.delete(id);
    const members = own > 0 ? [...this.#heard.keys()].sort() : [];
    const { leased } = this;
    if (leased === this.#wasLeased && members.join() === this.#known.join()) return;
    this.#known = members;
    this.#wasLeased = leased;
    for (const listener of this.#listeners) listener();
  }
}
