import type { Command } from 'commander'
import { djangoSource } from '../../import/django/index.js'
import { secretFrom } from './secret-file.js'
import { addTargetOptions, type TargetOptions } from './target-options.js'

interface Options extends TargetOptions {
  readonly secretKeyFile?: string
  readonly fallbackKeyFile: readonly string[]
  readonly cookieName: string
  readonly cookieAge: number
}

const SECRET_VARIABLE = 'DJANGO_SECRET_KEY'

/** `coatcheck import django`. */
export function addDjango(parent: Command): void {
  const command = parent
    .command('django')
    .description("import what Django's file backend has stored (3.1 or later, JSON)")
    .argument('<source>', "Django's SESSION_FILE_PATH; nothing in it is changed")
  addTargetOptions(command)
    .option('--secret-key-file <file>', `Django's SECRET_KEY; or set ${SECRET_VARIABLE}`)
    .option(
      '--fallback-key-file <file>',
      "one of Django's SECRET_KEY_FALLBACKS; may be given again",
      (file: string, files: readonly string[]) => [...files, file],
      [],
    )
    .option('--cookie-name <name>', "Django's SESSION_COOKIE_NAME", 'sessionid')
    .option('--cookie-age <seconds>', "Django's SESSION_COOKIE_AGE", Number, 1_209_600)
    .action(importSessions)
}

async function importSessions(from: string, to: string, options: Options): Promise<void> {
  const { secretKeyFile, fallbackKeyFile, cookieName, cookieAge } = options
  const secretKey = secretFrom(secretKeyFile, SECRET_VARIABLE)
  if (secretKey === undefined) {
    throw new TypeError(`Django's SECRET_KEY is needed: use --secret-key-file, or set ${SECRET_VARIABLE}`)
  }
  const fallbackKeys = fallbackKeyFile.map((file) => secretFrom(file, SECRET_VARIABLE) ?? '')
  const source = djangoSource({ path: from, secretKey, fallbackKeys, cookieName, cookieAge })
  // Not before it is needed: help and mistakes are answered at once.
  const { runImport } = await import('./run-import.js')
  await runImport(source, { from, to }, options)
}
