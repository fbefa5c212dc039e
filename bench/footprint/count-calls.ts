import { BEGIN, END, SAVES } from './marks.js'

/** System calls on files, and bytes, of one save on average. */
export interface Footprint {
  readonly calls: number
  readonly writes: number
  readonly bytesGiven: number
  readonly filesCreated: number
  readonly renames: number
  readonly syncs: number
}

/** `pid  call(arguments) = result`. A call that was interrupted by another thread's is told in two lines. */
const LINE = /^(\d+) +(?:<\.\.\. )?(\w+)(?: resumed>|\()(.*?)(?: <unfinished \.\.\.>| += (-?\d+).*)?$/
const WRITES = new Set(['write', 'pwrite64', 'writev', 'pwritev'])
const RENAMES = new Set(['rename', 'renameat', 'renameat2', 'link', 'linkat'])
const SYNCS = new Set(['fsync', 'fdatasync', 'sync_file_range', 'msync'])
/** Those whose first argument is a descriptor, which may be anything: a pipe, a socket, a file. */
const BY_DESCRIPTOR = new Set([
  ...WRITES,
  'read',
  'pread64',
  'preadv',
  'close',
  'fstat',
  'fsync',
  'fdatasync',
])

interface Call {
  readonly name: string
  readonly line: string
  readonly result: number
}

/** Counts what strace has seen between the marks. */
export function countCalls(log: string): Footprint {
  let [calls, writes, bytes, created, renames, syncs] = [0, 0, 0, 0, 0, 0]
  for (const { name, line, result } of callsOf(log)) {
    if (BY_DESCRIPTOR.has(name) && !/^\d+<\//.test(line)) continue
    calls++
    if (result < 0) continue
    if (WRITES.has(name)) {
      writes++
      bytes += result
    } else if (RENAMES.has(name)) renames++
    else if (SYNCS.has(name)) syncs++
    else if (name.startsWith('open') && line.includes('O_CREAT')) created++
  }
  const each = (count: number): number => count / SAVES
  return {
    calls: each(calls),
    writes: each(writes),
    bytesGiven: each(bytes),
    filesCreated: each(created),
    renames: each(renames),
    syncs: each(syncs),
  }
}

/** The calls between the marks, each with its arguments and result, in the order in which they ended. */
function* callsOf(log: string): Generator<Call> {
  const unfinished = new Map<string, string>()
  let counts = false
  for (const text of log.split('\n')) {
    const [, pid = '', name = '', part = '', result] = LINE.exec(text) ?? []
    if (name === '') continue
    if (text.includes(BEGIN)) counts = true
    if (text.includes(END)) return
    if (result === undefined) {
      unfinished.set(pid, part)
      continue
    }
    const line = (text.includes('<... ') ? (unfinished.get(pid) ?? '') : '') + part
    unfinished.delete(pid)
    if (counts && !line.includes(BEGIN)) yield { name, line, result: Number(result) }
  }
}
