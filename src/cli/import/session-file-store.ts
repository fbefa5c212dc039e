import { resolve } from 'node:path'
import { pathToFileURL } from 'node:url'
import type { Command } from 'commander'
import {
  type EncryptionOptions,
  type SessionFileStoreOptions,
  sessionFileStoreSource,
} from '../../import/session-file-store/index.js'
import { secretFrom } from '../secret-file.js'
import { addTargetOptions, type TargetOptions } from './target-options.js'

interface Options extends TargetOptions {
  readonly ttl: number
  readonly fileExtension: string
  readonly encoding: BufferEncoding | 'buffer'
  readonly decoder?: string
  readonly secretFile?: string
  readonly crypto?: string
}

const SECRET_VARIABLE = 'SESSION_FILE_STORE_SECRET'

/** `coatcheck import session-file-store`. */
export function addSessionFileStore(parent: Command): void {
  const command = parent
    .command('session-file-store')
    .description('import what the npm package session-file-store has stored')
    .argument('<source>', "session-file-store's directory; nothing in it is changed")
  addTargetOptions(command)
    .option('--ttl <seconds>', "session-file-store's option ttl", Number, 3600)
    .option('--file-extension <extension>', "session-file-store's option fileExtension", '.json')
    .option('--encoding <encoding>', "session-file-store's option encoding; buffer for null", 'utf8')
    .option('--decoder <module>', "session-file-store's option decoder: the default export of a module")
    .option('--secret-file <file>', `session-file-store's option secret; or set ${SECRET_VARIABLE}`)
    .option('--crypto <json>', "session-file-store's option crypto, as JSON")
    .action(importSessions)
}

async function importSessions(from: string, to: string, options: Options): Promise<void> {
  const { ttl, fileExtension, encoding, decoder, secretFile, crypto, maxRecordBytes } = options
  const secret = secretFrom(secretFile, SECRET_VARIABLE)
  const source = sessionFileStoreSource({
    path: from,
    ttl,
    fileExtension,
    maxRecordBytes,
    encoding: encoding === 'buffer' ? null : encoding,
    ...(decoder === undefined ? {} : { decoder: await decoderIn(decoder) }),
    ...(secret === undefined ? {} : { secret }),
    ...(crypto === undefined ? {} : { crypto: encryptionIn(crypto) }),
  })
  // Not before it is needed: help and mistakes are answered at once.
  const { runImport } = await import('./run-import.js')
  await runImport(source, { from, to }, options)
}

async function decoderIn(module: string): Promise<NonNullable<SessionFileStoreOptions['decoder']>> {
  const loaded = (await import(pathToFileURL(resolve(module)).href)) as { default?: unknown }
  if (typeof loaded.default !== 'function') throw new TypeError(`${module} exports no function by default`)
  return loaded.default as NonNullable<SessionFileStoreOptions['decoder']>
}

function encryptionIn(text: string): EncryptionOptions {
  try {
    return JSON.parse(text) as EncryptionOptions
  } catch (error) {
    throw new TypeError('--crypto is no JSON; expected an object such as {"algorithm":"aes-256-cbc"}', {
      cause: error,
    })
  }
}
