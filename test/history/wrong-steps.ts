import { closeSync, renameSync, unlinkSync } from 'node:fs'
import type { Layout, Place } from '#dist/workers/files/layout.js'
import { livenessOfPlace } from '#dist/workers/files/liveness.js'
import { readPlace } from '#dist/workers/files/load.js'
import { pause } from '#dist/workers/files/pause.js'
import type { ComposedVersion, WriteOpcode } from '#dist/workers/files/record-format.js'
import { isMeant } from '#dist/workers/files/replace.js'
import { writeBeside } from '#dist/workers/files/temporary.js'
import { exhume } from '#dist/workers/files/tombstone.js'
import { Opcode, type RequestReader, Status } from '#dist/workers/protocol/index.js'
import { composeRecord } from '#dist/workers/record/record.js'

/* Steps of the save protocol as they must not be: what is to be found out, and what goes wrong if nobody does. */

/** Milliseconds between a look and what it decides: what is wrong there shows soon, what is right stays right. */
const STEP = 1
const LARGEST = 2 ** 20

/** Looks whether there is a session, and renames over whatever is there by then. */
export function lookAndRename(
  layout: Layout,
  place: Place,
  request: RequestReader,
  opcode: WriteOpcode,
): Status {
  const isAlive = livenessOfPlace(place, Date.now()) === 'alive'
  if (opcode === Opcode.CREATE && isAlive) return Status.CONFLICT
  if (opcode !== Opcode.CREATE && !isAlive) return Status.ABSENT
  if (opcode === Opcode.CREATE) exhume(place.file)
  return renameLate(layout, place.format.compose(request, opcode, request.key(), place))
}

/** Compares, and renames, but nobody else is kept from doing the same. */
export function compareAndRename(layout: Layout, place: Place, request: RequestReader): Status {
  const found = readPlace(place, request.key(), LARGEST, Date.now())
  if (found.kind !== 'record') return Status.ABSENT
  if (!isMeant(found.record.payload, request.expected())) return Status.SUPERSEDED
  return renameLate(layout, place.format.compose(request, Opcode.REPLACE, request.key(), place))
}

/** Deletes the file, and leaves nothing that a late update would meet. */
export function unlinkOnly(place: Place): Status {
  if (livenessOfPlace(place, Date.now()) === 'alive') unlinkSync(place.file)
  return Status.DONE
}

/** Reads the session, and writes it anew with another expiry. */
export function rewriteWithExpiry(layout: Layout, place: Place, request: RequestReader): Status {
  const found = readPlace(place, request.key(), LARGEST, Date.now())
  if (found.kind !== 'record') return Status.ABSENT
  const { expiry } = request
  const { codec, writeId, payload } = found.record
  const header = {
    keyLength: request.key().length,
    payloadLength: payload.length,
    expiry,
    writeId,
    codec,
    keyIncluded: false,
    writtenByUpdate: true,
  }
  const bytes = composeRecord(undefined, payload, header)
  const version = {
    opcode: Opcode.UPDATE,
    place,
    bytes,
    start: 0,
    end: bytes.length,
    expiry,
    fileTime: expiry,
    writeId,
    retried: false,
  }
  return renameLate(layout, version)
}

function renameLate(layout: Layout, version: ComposedVersion<Place>): Status {
  const { temporary, descriptor } = writeBeside(layout, version.place.directory, version)
  closeSync(descriptor)
  pause(STEP)
  try {
    renameSync(temporary, version.place.file)
    return Status.DONE
  } catch {
    // A tombstone is in the way: deleted since we looked.
    unlinkSync(temporary)
    return Status.ABSENT
  }
}
