import { join } from 'node:path'
import { listDirectory } from '../list-directory.js'
import type { SessionSource, SourceEntry } from '../source.js'
import { readSourceFile } from '../source-file.js'
import { ContentReader } from './content.js'
import { fillOptions, type SessionFileStoreOptions } from './options.js'

export type { EncryptionOptions } from './encryption.js'
export type { SessionFileStoreOptions } from './options.js'

/**
 * The sessions that session-file-store keeps in a directory.
 *
 * @throws {TypeError} for a wrong option, naming it
 * @example
 * const source = sessionFileStoreSource({ path: './sessions', ttl: 86_400 })
 */
export function sessionFileStoreSource(options: SessionFileStoreOptions): SessionSource {
  const filled = fillOptions(options)
  const content = new ContentReader(filled)
  const { path, fileExtension, mostBytes } = filled

  async function* entries(): AsyncGenerator<SourceEntry, void, undefined> {
    for await (const { name, isFile } of listDirectory(path)) {
      // A temporary file, which a crash may have left, ends otherwise. A name that is only the extension is nobody's.
      if (!isFile || !name.endsWith(fileExtension) || name.length === fileExtension.length) {
        yield { key: undefined }
        continue
      }
      const read = () =>
        readSourceFile(join(path, name), mostBytes, ({ bytes }) => content.read(bytes, Date.now()))
      yield { key: name.slice(0, name.length - fileExtension.length), read }
    }
  }

  return { entries }
}
