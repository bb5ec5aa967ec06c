import { Tables1767225600000 } from './1767225600000-tables.js';
import { Past1767312000000 } from './1767312000000-past.js';
import { Chain1767398400000 } from './1767398400000-chain.js';

/** Every migration of the projection, oldest first: what an app hands to `connectPostgres`. */
export const MIGRATIONS = [Tables1767225600000, Past1767312000000, Chain1767398400000] as const;
