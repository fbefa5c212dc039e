import { putValue, type Values } from './contents.js'

/*
 * Codecs that guard against prototype pollution refuse or change the name `__proto__`. To a session it is a name like
 * any other, so it is stored as a pair in a list, under a name that nobody would choose; and who chooses it nonetheless
 * is stored the same way, so that what is read is what was written.
 */

const PAIRS = '\0names'
const AWKWARD = ['__proto__', PAIRS]

/** Values as any codec can store them: the very same object, unless there is an awkward name in it. */
export function toStored(values: Values): Values {
  if (!Object.hasOwn(values, '__proto__') && !Object.hasOwn(values, PAIRS)) return values
  const stored: Values = {}
  for (const name of Object.keys(values)) {
    if (!AWKWARD.includes(name)) stored[name] = values[name]
  }
  stored[PAIRS] = AWKWARD.filter((name) => Object.hasOwn(values, name)).map((name) => [name, values[name]])
  return stored
}

/** The other way; changes the object that it is given. `undefined` where that is nothing a session can be. */
export function fromStored(stored: object | undefined): Values | undefined {
  if (stored === undefined || Array.isArray(stored)) return undefined
  const values = stored as Values
  if (!Object.hasOwn(values, PAIRS)) return values
  const pairs = values[PAIRS]
  delete values[PAIRS]
  if (!Array.isArray(pairs)) return values
  for (const pair of pairs) {
    if (Array.isArray(pair) && AWKWARD.includes(pair[0])) putValue(values, pair[0], pair[1])
  }
  return values
}
