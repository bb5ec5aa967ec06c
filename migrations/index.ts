import { Tables1767225600000 } from './1767225600000-tables.js';
import { Past1767312000000 } from './1767312000000-past.js';

/** Every migration of the projection, oldest first: what an app hands to `connectPostgres`. */
export const MIGRATIONS = [Tables1767225600000, Past1767312000000] as const;
