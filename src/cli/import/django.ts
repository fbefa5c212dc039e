import type { Command } from 'commander'
import { djangoSource } from '../../import/django/index.js'
import { addSecretKeyOptions, type SecretKeyOptions, secretKeysFrom } from '../secret-keys.js'
import { addTargetOptions, type TargetOptions } from './target-options.js'

interface Options extends TargetOptions, SecretKeyOptions {
  readonly cookieName: string
  readonly cookieAge: number
}

/** `coatcheck import django`. */
export function addDjango(parent: Command): void {
  const command = parent
    .command('django')
    .description("import what Django's file backend has stored (3.1 or later, JSON)")
    .argument('<source>', "Django's SESSION_FILE_PATH; nothing in it is changed")
  addSecretKeyOptions(addTargetOptions(command))
    .option('--cookie-name <name>', "Django's SESSION_COOKIE_NAME", 'sessionid')
    .option('--cookie-age <seconds>', "Django's SESSION_COOKIE_AGE", Number, 1_209_600)
    .action(importSessions)
}

async function importSessions(from: string, to: string, options: Options): Promise<void> {
  const { cookieName, cookieAge, maxRecordBytes } = options
  const source = djangoSource({
    path: from,
    ...secretKeysFrom(options),
    cookieName,
    cookieAge,
    maxRecordBytes,
  })
  // Not before it is needed: help and mistakes are answered at once.
  const { runImport } = await import('./run-import.js')
  await runImport(source, { from, to }, options)
}
