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
