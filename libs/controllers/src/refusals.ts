import type { Refusal } from '#libs/apimachinery';

/** A namespace that is being deleted takes nothing new: nobody has to be told, for what wanted it goes too. */
export const isEnding = ({ reason, message }: Refusal): boolean =>
  reason === 'Forbidden' && message.endsWith('because it is being terminated');
