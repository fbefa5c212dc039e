import { threadId, workerData } from 'node:worker_threads'
import { move } from 'piscina'
import { giveWay } from './give-way.js'
import {
  type BatchTask,
  type CheckpointAnswer,
  type CheckpointStep,
  ConnectionTally,
  describeFailure,
  type Failure,
  type JournalStorage,
  type LastAnswer,
  lacksDescriptors,
  markAllDone,
  type OpenStorage,
  type ReplaySlice,
  ReplyWriter,
  RequestReader,
  type Walk,
  type WalkSlice,
  type WalkTask,
  type WorkerBinding,
  type WorkerStorage,
} from './protocol/index.js'

/*
 * Piscina's entry: one function per kind of task. The storage is opened with the first task, so that an opening
 * that fails is an answer to that task, with its reason, and not a worker that dies while it starts.
 */

// Piscina hands workerData on as it is to the pool's workers.
const binding = workerData as WorkerBinding
if (binding.niceness > 0) giveWay(binding.niceness)

let tally: ConnectionTally | undefined

/** One for each worker, however often it opens. */
function tallyIn(memory: SharedArrayBuffer): ConnectionTally {
  tally ??= new ConnectionTally(memory, { pool: binding.pool, thread: threadId })
  return tally
}

let opening: Promise<WorkerStorage> | undefined
let storage: WorkerStorage | undefined
const walks = new Map<number, Walk>()

async function openFrom({ module, options, connections }: WorkerBinding): Promise<WorkerStorage> {
  const { openStorage } = (await import(module)) as { openStorage: OpenStorage }
  // The description and its module are made for each other; the seam between them is untyped by necessity.
  const tallies = connections === undefined ? [] : [tallyIn(connections)]
  return openStorage(options as never, ...tallies)
}

/**
 * Opens the storage in this worker. A failed opening is a result, not a rejection: a task that rejects means to
 * the engine that the worker died. It may be tried again.
 */
export async function open(): Promise<Failure | undefined> {
  opening ??= openFrom(binding)
  try {
    storage = await opening
    return undefined
  } catch (error) {
    opening = undefined
    const failure = describeFailure(0, error)
    // Not a system call: a module that is missing, say. No key is known yet, so its own words can be told.
    return failure.syscall === 'none' && error instanceof Error
      ? { ...failure, message: error.message }
      : failure
  }
}

/** Opens the storage with a task that is not `open`: in place of a worker that has died, or with a first walk. */
async function openLate(): Promise<Failure | undefined> {
  return storage === undefined ? open() : undefined
}

/** An answer when the storage could not be opened. */
function unopened<Answer extends ArrayBuffer | Failure>(
  failure: Failure,
  answer: Answer,
): Answer | LastAnswer {
  return lacksDescriptors(failure) ? { answer, thread: threadId } : answer
}

/** The end of the line in which this worker's batches stand. */
let line: Promise<unknown> = Promise.resolve()

/**
 * Applies one batch, when those that came before it are done and their answers have left. Piscina starts every task
 * that it finds: without a line a second batch would be applied before the answer of the first is posted, and the
 * engine, which has the next batch to make of it, would wait for both while the worker waits for the engine.
 *
 * Where a storage waits for others and not for itself, the next batch need not: it is applied meanwhile. They have no key in
 * common.
 *
 * Answers with the batch's reply, or with its own buffer when every slot is done.
 */
export function apply(wire: BatchTask): Promise<ArrayBuffer | LastAnswer> {
  if (storage?.waitsForOthers === true) return Promise.resolve(applyNext(wire))
  const result = line.then(() => applyNext(wire))
  // One step after Piscina, which waits for the result itself, has posted it.
  line = result.then(pass, pass).then(pass)
  return result
}

function pass(): void {}

function applyNext(wire: BatchTask): ArrayBuffer | Promise<ArrayBuffer | LastAnswer> {
  if (storage === undefined) return openAndApply(wire)
  const reply = storage.apply(wire)
  return reply instanceof Promise ? reply.then((late) => answer(wire, late)) : answer(wire, reply)
}

async function openAndApply(wire: BatchTask): Promise<ArrayBuffer | LastAnswer> {
  const failure = await open()
  if (failure === undefined) return applyNext(wire)
  const request = new RequestReader(wire)
  const reply = new ReplyWriter(request.slots)
  while (request.next()) reply.fail({ ...failure, slot: request.index })
  // Not null: no slot is done.
  return unopened(failure, reply.finish() as ArrayBuffer)
}

function answer(wire: BatchTask, reply: ArrayBuffer | null): ArrayBuffer {
  if (reply === null) markAllDone(wire, journal()?.gauge)
  // Piscina's marker takes the buffer's place in the answer; what arrives is the buffer.
  return move(reply ?? wire) as unknown as ArrayBuffer
}

/** Takes one step of a walk. A failure is a result here, too. */
export async function walk({
  id,
  kind,
  step,
  length,
}: WalkTask): Promise<WalkSlice | Failure | LastAnswer | undefined> {
  const failure = await openLate()
  if (failure !== undefined) return unopened(failure, failure)
  const current = step === 'start' ? storage?.walk(kind) : walks.get(id)
  if (step === 'end') {
    walks.delete(id)
    await current?.end()
    return undefined
  }
  // The worker that knew this walk has died.
  if (current === undefined)
    return { slot: 0, code: 'WALK_LOST', syscall: 'none', message: 'the walk was lost' }
  walks.set(id, current)
  try {
    const slice = await current.next(length)
    if (slice.done) walks.delete(id)
    return slice
  } catch (error) {
    walks.delete(id)
    return describeFailure(0, error)
  }
}

/** Reads the next part of what a journal held when it was opened. */
export function replay(): Promise<ReplaySlice | Failure | LastAnswer> {
  return withJournal((opened) => opened.replay())
}

/** Takes one step of a checkpoint. */
export function checkpoint(step: CheckpointStep): Promise<CheckpointAnswer | Failure | LastAnswer> {
  return withJournal((opened) => opened.checkpoint(step))
}

async function withJournal<Answer>(
  task: (opened: JournalStorage) => Answer,
): Promise<Answer | Failure | LastAnswer> {
  const failure = await openLate()
  if (failure !== undefined) return unopened(failure, failure)
  const opened = journal()
  if (opened === undefined) throw new TypeError('this storage has no journal')
  try {
    return task(opened)
  } catch (error) {
    return describeFailure(0, error)
  }
}

function journal(): JournalStorage | undefined {
  return storage !== undefined && 'gauge' in storage ? (storage as JournalStorage) : undefined
}

/** Leaves nothing behind that need not outlive the process. */
export async function close(): Promise<void> {
  await storage?.close()
}
