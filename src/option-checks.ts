import { inspect, types } from 'node:util'

/*
 * Checks of options. Every refusal is a TypeError that names the option, the value and what was expected.
 */

/**
 * Refuses an option's value. Text is shown where it is the whole value; within an object neither that nor bytes are, and of
 * what is no plain object only the class: a secret may be among it.
 */
export function refuse(option: string, value: unknown, expected: string): never {
  const shown = inspect(masked(value), { depth: 0, breakLength: Number.POSITIVE_INFINITY }).slice(0, 80)
  throw new TypeError(`option "${option}" is ${shown}; expected ${expected}`)
}

/** The same where the value itself may be a secret: what is said of it takes its place. */
export function refuseUnseen(option: string, told: string, expected: string): never {
  throw new TypeError(`option "${option}" is ${told}; expected ${expected}`)
}

/** All that is said of a value that may be, or hold, a secret. */
export function kindOf(value: unknown): string {
  if (value === null || value === undefined) return String(value)
  if (typeof value === 'string') return `a string of ${value.length} characters`
  if (value instanceof Uint8Array) return `${value.length} bytes`
  return Array.isArray(value) ? `an array of ${value.length}` : `of type ${typeof value}`
}

function masked(value: unknown): unknown {
  const shown = withoutFields(value)
  if (Array.isArray(shown)) return Array.from(shown, withoutText)
  if (typeof shown !== 'object' || shown === null || inspect.custom in shown) return shown
  return Object.fromEntries(Object.entries(shown).map(([name, inner]) => [name, withoutText(inner)]))
}

/** What can be shown of a value that stands within another one, or under a name that is none. */
export function withoutText(value: unknown): unknown {
  return typeof value === 'string' ? told('a text') : withoutFields(value)
}

/** Node shows the fields of an instance, what is in a Map, the message of an error, and what hangs on a function. */
function withoutFields(value: unknown): unknown {
  if (typeof value === 'function') return told('a function')
  if (typeof value !== 'object' || value === null || Array.isArray(value)) return value
  if (ArrayBuffer.isView(value)) return told('bytes')
  if (types.isDate(value)) return told(String(new Date(value)))
  if (Object.getPrototypeOf(value) === Object.prototype) return value
  return told(
    typeof value.constructor === 'function' ? `an instance of ${value.constructor.name}` : 'an object',
  )
}

/** Is shown as these words. */
function told(words: string): object {
  return { [inspect.custom]: () => words }
}

/** Refuses names that are no options; what `undefined` stands under counts as not given. */
export function checkNames(where: string, options: unknown, known: readonly string[]): void {
  if (typeof options !== 'object' || options === null) {
    // A secret alone, where options belong that have one.
    refuse(where, withoutText(options), 'an object of options')
  }
  for (const name of Object.keys(options)) {
    if (known.includes(name)) continue
    const value: unknown = Reflect.get(options, name)
    // What is there no option for may be a secret under a name that is not quite its own.
    const shown = withoutText(value)
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
