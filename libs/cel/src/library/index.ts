import { byName } from '../environment.js';
import { AUTHORIZER_FUNCTIONS } from './authorizer.js';
import { CONVERSIONS } from './conversions.js';
import { FORMAT } from './formats.js';
import { LISTS, SETS } from './lists.js';
import { NETWORK } from './network.js';
import { OPERATORS } from './operators.js';
import { OPTIONALS } from './optionals.js';
import { QUANTITIES } from './quantities.js';
import { SEMVER } from './semver.js';
import { STRINGS } from './strings.js';
import { TIMES } from './times.js';
import { URLS } from './urls.js';

/** The functions of Kubernetes' CEL environment of v1.36 (apiserver `cel/environment/base.go`). */
export const FUNCTIONS = byName([
  ...[
    OPERATORS,
    CONVERSIONS,
    STRINGS,
    LISTS,
    SETS,
    OPTIONALS,
    TIMES,
    QUANTITIES,
    NETWORK,
    URLS,
    FORMAT,
    SEMVER,
    AUTHORIZER_FUNCTIONS,
  ].flat(),
]);
