import { execFileSync } from 'node:child_process'
import { linkSync, lstatSync, mkdirSync, readFileSync, symlinkSync, utimesSync, writeFileSync } from 'node:fs'
import { createServer } from 'node:net'
import { composeRecord } from '#dist/workers/files/record.js'

/** A file outside of the session directory that nobody is to read or to write. */
export class Outside {
  readonly path: string
  readonly #bytes: Buffer
  readonly #time: number

  /** Holds a sound record, of a key of this length, that would be good for an hour. */
  constructor(path: string, keyLength: number, codec: number, payload: Buffer) {
    this.path = path
    this.#bytes = composeRecord(undefined, payload, {
      keyLength,
      payloadLength: payload.length,
      expiry: Date.now() + 3_600_000,
      writeId: [1, 1],
      codec,
      keyIncluded: false,
      writtenByUpdate: false,
    })
    writeFileSync(path, this.#bytes)
    const soon = Math.floor(Date.now() / 1000) + 3600
    utimesSync(path, soon, soon)
    this.#time = lstatSync(path).mtimeMs
  }

  get isUntouched(): boolean {
    return readFileSync(this.path).equals(this.#bytes) && lstatSync(this.path).mtimeMs === this.#time
  }
}

/** Puts something into a session's place. */
export interface Plant {
  readonly title: string
  readonly needsRoot?: boolean
  readonly put: (place: string, outside: string) => void | Promise<void>
}

/** Everything but a session. */
export const PLANTS: readonly Plant[] = [
  { title: 'a link to a session elsewhere', put: (place, outside) => symlinkSync(outside, place) },
  { title: 'a link that leads nowhere', put: (place, outside) => symlinkSync(`${outside}-missing`, place) },
  { title: 'a link to a directory', put: (place, outside) => symlinkSync(`${outside}/..`, place) },
  { title: 'a link to itself', put: (place) => symlinkSync(place, place) },
  { title: 'a FIFO', put: (place) => void execFileSync('mkfifo', [place]) },
  { title: 'a socket', put: listen },
  {
    title: 'a device',
    needsRoot: true,
    put: (place) => void execFileSync('mknod', [place, 'c', '1', '5']),
  },
  {
    title: 'a directory',
    put: (place) => {
      mkdirSync(place)
      writeFileSync(`${place}/file`, 'x')
    },
  },
  {
    title: 'another name of a file that is no session',
    put: (place, outside) => {
      writeFileSync(`${outside}-text`, 'root:x:0:0:root:/root:/bin/bash\n')
      linkSync(`${outside}-text`, place)
    },
  },
]

async function listen(place: string): Promise<void> {
  // Its address has to be short: made elsewhere, and moved.
  const server = createServer()
  await new Promise<void>((resolve) => server.listen(place, resolve))
  server.unref()
}
