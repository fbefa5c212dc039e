import { inspect } from 'node:util'

/*
 * Checks of options. Every refusal is a TypeError that names the option, the value and what was expected.
 */

/** Options under such names hold keys, wherever they were written. */
const SECRET_NAME = /(?:^|\.)seal/i

/** Refuses an option's value. What text and bytes there are within an object is not shown: a secret may be among them. */
export function refuse(option: string, value: unknown, expected: string): never {
  if (SECRET_NAME.test(option)) refuseUnseen(option, 'given', expected)
  const shown = inspect(masked(value), { depth: 0, breakLength: Number.POSITIVE_INFINITY }).slice(0, 80)
  throw new TypeError(`option "${option}" is ${shown}; expected ${expected}`)
}

/** The same where the value may hold a secret: what is said of it takes its place. */
export function refuseUnseen(option: string, told: string, expected: string): never {
  throw new TypeError(`option "${option}" is ${told}; expected ${expected}`)
}

const TEXT = { [inspect.custom]: () => 'a text' }
const BYTES = { [inspect.custom]: () => 'bytes' }

function masked(value: unknown): unknown {
  if (ArrayBuffer.isView(value)) return BYTES
  if (Array.isArray(value)) return value.map(maskedWithin)
  if (typeof value !== 'object' || value === null || Object.getPrototypeOf(value) !== Object.prototype)
    return value
  if (inspect.custom in value) return value
  return Object.fromEntries(Object.entries(value).map(([name, inner]) => [name, maskedWithin(inner)]))
}

function maskedWithin(value: unknown): unknown {
  if (ArrayBuffer.isView(value)) return BYTES
  return typeof value === 'string' ? TEXT : value
}

/** Refuses names that are no options; what `undefined` stands under counts as not given. */
export function checkNames(where: string, options: unknown, known: readonly string[]): void {
  if (typeof options !== 'object' || options === null) refuse(where, options, 'an object of options')
  for (const name of Object.keys(options)) {
    if (known.includes(name)) continue
    const value: unknown = Reflect.get(options, name)
    // What is there no option for may be a secret under a name that is not quite its own.
    const shown = maskedWithin(value)
    refuse(where === 'options' ? name : `${where}.${name}`, shown, `one of ${known.join(', ')}`)
  }
}

/** A finite number from `least` to `most`. */
export function numberOption(
  option: string,
  value: number | undefined,
  fallback: number,
  range: { readonly least: number; readonly most: number; readonly unit: string; readonly whole?: boolean },
): number {
  if (value === undefined) return fallback
  const whole = range.whole === true
  const fits = typeof value === 'number' && value >= range.least && value <= range.most
  if (!fits || (whole && !Number.isInteger(value))) {
    const kind = whole ? 'a whole number' : 'a number'
    refuse(option, value, `${kind} of ${range.unit} from ${range.least} to ${range.most}`)
  }
  return value
}

/** true or false. */
export function booleanOption(option: string, value: boolean | undefined, fallback: boolean): boolean {
  if (value === undefined) return fallback
  return typeof value === 'boolean' ? value : refuse(option, value, 'true or false')
}

/** One of a few values, words mostly. */
export function choiceOption<Choice extends string | boolean>(
  option: string,
  value: Choice | undefined,
  fallback: Choice,
  choices: readonly Choice[],
): Choice {
  if (value === undefined) return fallback
  return choices.includes(value)
    ? value
    : refuse(option, value, choices.map((choice) => inspect(choice)).join(' or '))
}
