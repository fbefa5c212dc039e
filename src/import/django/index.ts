import { join } from 'node:path'
import { listDirectory } from '../list-directory.js'
import type { SessionSource, SourceEntry } from '../source.js'
import { readSourceFile } from '../source-file.js'
import { ContentReader } from './content.js'
import { type DjangoOptions, fillOptions } from './options.js'

export type { DjangoOptions } from './options.js'

/** Keys that Django accepts. It makes them 32 long; temporary files have a `_` in their names. */
const KEY = /^[a-z0-9]{8,}$/

/**
 * The sessions that Django's file backend keeps in a directory, signed and in JSON, as it does since 3.1.
 *
 * @throws {TypeError} for a wrong option, naming it
 * @example
 * const source = djangoSource({ path: '/var/lib/shop/sessions', secretKey })
 */
export function djangoSource(options: DjangoOptions): SessionSource {
  const filled = fillOptions(options)
  const content = new ContentReader(filled)
  const { path, cookieName, mostBytes } = filled

  async function* entries(): AsyncGenerator<SourceEntry, void, undefined> {
    for await (const { name, isFile } of listDirectory(path)) {
      const key = name.startsWith(cookieName) ? name.slice(cookieName.length) : ''
      if (!isFile || !KEY.test(key)) yield { key: undefined }
      else {
        const read = () =>
          readSourceFile(join(path, name), mostBytes, (file) => content.read(file, Date.now()))
        yield { key, read }
      }
    }
  }

  return { entries }
}
