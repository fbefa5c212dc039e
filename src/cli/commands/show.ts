import { text } from 'node:stream/consumers'
import { inspect } from 'node:util'
import type { Command } from 'commander'
import type { SessionEntry } from '../../../workers/files/inspect/entries.js'
import { isSealReason } from '../../../workers/record/seal-reasons.js'
import { checkKey } from '../../engine/session-keys.js'
import { addCommandOptions, type CommandOptions } from '../command-options.js'
import { withInspector } from '../inspection/with-inspector.js'
import { jsonLine, print, printableLines } from '../output.js'
import { plain, withoutProgramText } from '../plain-values.js'
import { sealAdvice } from '../seal-keys.js'

/** `coatcheck show`. */
export function addShow(program: Command): void {
  const command = program
    .command('show')
    .description('print one live session; exits with 1 if there is none, or a damaged one')
  addCommandOptions(command)
    .argument('<key>', 'the session key; - reads it from standard input, out of sight of others')
    .action(show)
}

async function show(directory: string, given: string, options: CommandOptions): Promise<void> {
  const key = given === '-' ? await keyFromInput() : given
  checkKey(key)
  await withInspector(directory, options, async (inspector, decoder) => {
    const found = await inspector.find(key)
    if (found.kind === 'corrupt') {
      const { reason } = found
      throw new Error(
        isSealReason(reason)
          ? `the session cannot be opened: it is ${sealAdvice(reason)}`
          : `the session is damaged: ${reason}`,
      )
    }
    if (found.kind === 'absent' || found.session.expiry <= Date.now())
      throw new Error('there is no live session of this key')
    const decoded = decoder.decode(found.payload, found.session.codec)
    if (decoded.kind === 'refused')
      throw new Error(`the session is damaged: the codec ${decoded.codec} refuses it`)
    if (decoded.kind === 'unknown')
      throw new Error(`the session was written by codec ${decoded.codec}, which does not come with coatcheck`)
    const { codec, session } = decoded
    await print(
      options.json === true ? [asJson(found.session, codec, session)] : asText(found.session, codec, session),
    )
  })
}

/** A key is as good as a password, and everybody can read a command line. The line end behind it is no part of it. */
async function keyFromInput(): Promise<string> {
  return (await text(process.stdin)).replace(/\r?\n$/, '')
}

function asJson({ key, expiry, bytes, where }: SessionEntry, codec: string, session: object): string {
  return jsonLine({ key, expires: new Date(expiry), bytes, codec, in: where, session: plain(session) })
}

function asText({ expiry, bytes, where }: SessionEntry, codec: string, session: object): string[] {
  const shown = inspect(withoutProgramText(session), {
    depth: null,
    maxArrayLength: null,
    maxStringLength: null,
    colors: process.stdout.isTTY === true,
  })
  return [
    `expires  ${new Date(expiry).toISOString()}`,
    `bytes    ${bytes}`,
    `codec    ${codec}`,
    `in       ${where}`,
    printableLines(shown),
  ]
}
