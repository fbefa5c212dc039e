import { Opcode, type RequestReader } from '../protocol/index.js'
import { isRecordOf, type RecordOwner } from './owner.js'
import { RECORD_HEADER, type ReadRecord, type RecordHeader, readRecord, writeHeader } from './record.js'
import { SEALED } from './seal-reasons.js'

/** The header of the record that a slot asks to be written; without its key, or with no more than a hash of it. */
export function headerOfSlot(
  request: RequestReader,
  opcode: Opcode,
  keyLength: number,
  keyHash = 0,
): RecordHeader {
  return {
    keyLength,
    payloadLength: request.payloadLength,
    expiry: request.expiry,
    writeId: request.writeId,
    codec: request.codec,
    keyHash,
    keyIncluded: false,
    writtenByUpdate: opcode === Opcode.UPDATE || opcode === Opcode.REPLACE,
  }
}

/**
 * Makes a slot's payload a record where it lies: the header is written over that of the slot, of which only the payload
 * remains. The record lies in the request's bytes from `start` to `end`.
 */
export function composeInPlace(
  request: RequestReader,
  header: RecordHeader,
): { readonly start: number; readonly end: number } {
  const start = request.payloadStart - RECORD_HEADER
  const end = request.payloadStart + request.payloadLength
  writeHeader(request.bytes, request.view, start, end, header)
  return { start, end }
}

/** A whole record that is not sealed; a reason in words when it is, or is no record. See {@link readRecord}. */
export function readPlain(bytes: Buffer, fileTime: number, owner?: RecordOwner): ReadRecord | string {
  const record = readRecord(bytes, fileTime)
  if (typeof record === 'string' || record.sealed !== true) return record
  // Of another prefix, it is nothing to tell of.
  return owner === undefined || !isRecordOf(owner, record) ? record : SEALED
}
