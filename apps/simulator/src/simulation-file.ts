import { z } from 'zod';

const Simulation = z.object({
  silentNodes: z.array(z.string()).default([]),
  failingImages: z.record(z.string(), z.string()).default({}),
});

/** What is known of the world that the simulated nodes stand for. */
export interface Simulation {
  /** Nodes whose agents are gone, and stay so. */
  readonly silentNodes: ReadonlySet<string>;
  /** What registries say of images that can't be pulled, by image. */
  readonly failingImages: ReadonlyMap<string, string>;
}

/** The content of a simulation's file. Throws where it is none. */
export function parseSimulation(text: string): Simulation {
  const { silentNodes, failingImages } = Simulation.parse(JSON.parse(text));
  return { silentNodes: new Set(silentNodes), failingImages: new Map(Object.entries(failingImages)) };
}
