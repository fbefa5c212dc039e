/** Strings, which may hold anything, and the three words that Python's JSON has besides everybody's. */
const STRING_OR_WORD = /"(?:[^"\\]|\\.)*"|-?\b(?:NaN|Infinity)\b/g

/**
 * Parses JSON as Python writes it: with `Infinity`, and `NaN`, which becomes `null`. Integers beyond 2^53 lose their last
 * digits, as in any JSON here.
 * @throws {SyntaxError}
 */
export function parsePythonJson(bytes: Uint8Array): unknown {
  // As Django reads it. What Python, and our own codec, write is ASCII.
  const text = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length).toString('latin1')
  try {
    return JSON.parse(text)
  } catch (error) {
    if (!text.includes('NaN') && !text.includes('Infinity')) throw error
    return JSON.parse(text.replace(STRING_OR_WORD, spelledOut))
  }
}

function spelledOut(found: string): string {
  switch (found) {
    case 'NaN':
      return 'null'
    case 'Infinity':
      return '1e999'
    case '-Infinity':
      return '-1e999'
    default:
      return found
  }
}
