import { readdirSync, utimesSync } from 'node:fs'
import { join } from 'node:path'
import { type FilesOptions, files, SessionEngine } from 'coatcheck'
import { type DjangoOptions, django } from 'coatcheck/django'
import { temporaryDirectory } from '../fixtures/temporary-directory.js'
import type { DjangoProcess } from './django-process.js'

export const SECRET = 'a secret of both'
export const PREFIX = 'sessionid'

/** A directory that Django and Coatcheck share. */
export class SharedDirectory {
  readonly path = temporaryDirectory('memory')
  readonly django: DjangoProcess
  readonly #engines: SessionEngine[] = []

  private constructor(process: DjangoProcess) {
    this.django = process
  }

  static async open(django: DjangoProcess): Promise<SharedDirectory> {
    const shared = new SharedDirectory(django)
    await shared.django.ask('configure', { SECRET_KEY: SECRET, SESSION_FILE_PATH: shared.path })
    return shared
  }

  /** An engine on it, closed with it. */
  engine(
    codec: Partial<DjangoOptions> = {},
    storage: Pick<FilesOptions, 'orphanGrace' | 'maxRecordBytes'> = {},
  ): SessionEngine {
    const engine = new SessionEngine({
      storage: files({ ...storage, directory: this.path, layout: 'flat', prefix: PREFIX }),
      codec: django({ secretKey: SECRET, ...codec }),
      threads: 1,
      sweepInterval: false,
    })
    this.#engines.push(engine)
    return engine
  }

  file(key: string): string {
    return join(this.path, PREFIX + key)
  }

  /** Lets a session's file seem to have been written so many seconds ago. */
  age(key: string, seconds: number): void {
    const at = Date.now() / 1000 - seconds
    utimesSync(this.file(key), at, at)
  }

  names(): string[] {
    return readdirSync(this.path).sort()
  }

  async close(): Promise<void> {
    await Promise.all(this.#engines.map((engine) => engine.close()))
  }
}

let counter = 0

/** A key that no other test uses, of the length of Django's. */
export function freshKey(): string {
  return `key${counter++}`.padEnd(32, '0')
}
