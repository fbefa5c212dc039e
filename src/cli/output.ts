import { once } from 'node:events'

/** What a terminal, or a reader of lines, would take for more than a character. */
const UNPRINTABLE = /[\p{Cc}\p{Cf}\p{Cs}\p{Zl}\p{Zp}]/gu

/**
 * Text that stays on its line and tells a terminal nothing: keys and file names come from anywhere.
 *
 * @example
 * printable('a\tb\\') // 'a\\u0009b\\\\'
 */
export function printable(text: string): string {
  return text.replaceAll('\\', '\\\\').replace(UNPRINTABLE, escaped)
}

/** A value as one line of JSON, with nothing in it that a terminal would act on. */
export function jsonLine(value: unknown): string {
  return JSON.stringify(value).replace(UNPRINTABLE, escaped)
}

/** What Node colours a value with, and nothing else that begins with an escape character. */
const COLOUR = new RegExp(`(${String.fromCharCode(0x1b)}\\[\\d{1,2}m)`)

/**
 * What Node shows of a value, lines and colours as they are: nothing else in it that a terminal would act on.
 *
 * @example
 * printableLines(inspect({ name: 'a\u202eb' })) // "{ name: 'a\\u202eb' }"
 */
export function printableLines(shown: string): string {
  const escapedLine = (line: string): string => line.replace(UNPRINTABLE, escaped)
  const parts = shown.split(COLOUR)
  // Every second part is a colour.
  return parts
    .map((part, index) => (index % 2 === 1 ? part : part.split('\n').map(escapedLine).join('\n')))
    .join('')
}

function escaped(character: string): string {
  return Array.from(
    { length: character.length },
    (_, index) => `\\u${character.charCodeAt(index).toString(16).padStart(4, '0')}`,
  ).join('')
}

/** Writes lines to standard output; resolves when there is room for more. */
export async function print(lines: readonly string[]): Promise<void> {
  if (lines.length === 0) return
  if (!process.stdout.write(`${lines.join('\n')}\n`)) await once(process.stdout, 'drain')
}

/** A reader that has seen enough, as `head` has, is no failure: there is nothing left to do. */
export function endWithReader(): void {
  process.stdout.on('error', (error: NodeJS.ErrnoException) => {
    if (error.code !== 'EPIPE') throw error
    process.exit()
  })
}
