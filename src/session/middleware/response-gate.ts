import type { ServerResponse } from 'node:http'
import type { Readable } from 'node:stream'
import { types } from 'node:util'
import onHeaders from 'on-headers'
import { disguise, headersSentError, nativeFlag, type Waiting } from './response-disguise.js'
import { checkHead, flatHead } from './response-head.js'
import { ResponseStart } from './response-start.js'
import { type Call, type Callback, WaitingCalls } from './waiting-calls.js'

/** What is asked, and told, on a response's way out. */
export interface GateKeeper {
  /**
   * Headers are about to go out, under this status. A promise keeps them, and everything after them, until it resolves.
   * Asked once.
   */
  beforeHeaders(status: number): Promise<void> | undefined
  /** They go out now: the last moment to set one. */
  onHeaders(): void
  /** A response is about to end that began earlier. A promise keeps it open until it resolves. Asked once. */
  beforeEnd(): Promise<void> | undefined
  /**
   * A promise was rejected, or what was kept could not be sent. Where no headers are out, the response is as it was at
   * the gate's making, and what the handler has sent is forgotten: it may be answered anew. Else it was cut off, lest
   * anybody take it for complete.
   */
  failed(error: Error): void
}

type Method = (...values: unknown[]) => unknown
/** What a response is sent with. */
type Methods = Readonly<Record<'writeHead' | 'write' | 'end' | 'flushHeaders', Method>>

/**
 * Stands before a response and can keep it back until something asynchronous is done, whatever way the handler sends it:
 * `writeHead`, `flushHeaders`, `write`, `end`, or a stream piped in. Calls that come meanwhile wait in their order;
 * `write` returns false, so that a stream waits, too, and `'drain'` tells it to go on. `headersSent` and
 * `writableEnded` are what they would be without the gate.
 *
 * `writeHead` always waits for what follows it: until then nothing goes to the client anyway.
 */
export class ResponseGate implements Waiting {
  readonly #response: ServerResponse
  readonly #keeper: GateKeeper
  readonly #start: ResponseStart
  /** The response's methods, as they were before. */
  readonly #inner: Methods
  readonly #calls = new WaitingCalls()
  /** What `writeHead` was given, when it waits. */
  #head: unknown[] | undefined
  /** The inner one, which tells the keeper once. */
  #writeHead: Method
  #waiting = false
  /** Whether the keeper was asked about headers, and about the end. */
  #headersAsked = false
  #endAsked = false
  /** Whether `write` has returned false for a call that waits. */
  #needsDrain = false
  #failed = false
  /** How often the response was given away to be answered. */
  #round = 0
  #disguised = false

  constructor(response: ServerResponse, keeper: GateKeeper) {
    this.#response = response
    this.#keeper = keeper
    this.#start = new ResponseStart(response)
    const { writeHead, write, end, flushHeaders } = response as unknown as Methods
    this.#inner = { writeHead, write, end, flushHeaders }
    this.#writeHead = this.#listeningWriteHead()
    this.#guard()
  }

  /**
   * Puts itself in the place of the response's methods. A second time, when the response is answered anew, it takes the
   * place of whatever others have put around it meanwhile, such as a compression that believes it has ended already;
   * what these still send is of the first answer, and goes nowhere.
   */
  #guard(): void {
    const response = this.#response
    const { write, end, flushHeaders } = this.#inner
    const round = ++this.#round
    const goesNowhere = (): boolean => round !== this.#round || this.#isReplaced
    const methods: Methods = {
      writeHead: (...values) => (goesNowhere() ? response : this.#onWriteHead(values)),
      write: (...values) => {
        if (goesNowhere()) {
          forget(callbackIn(values))
          return true
        }
        // Node refuses it at once; it is for the handler to see.
        if (!isChunk(values[0])) return write.apply(response, values)
        return this.#onWrite(() => write.apply(response, values), callbackIn(values))
      },
      end: (...values) => {
        const callback = callbackIn(values)
        const [chunk] = values
        if (goesNowhere()) forget(callback)
        else if (chunk && !isChunk(chunk) && chunk !== callback) end.apply(response, values)
        else this.#submit({ ends: true, carryOut: () => end.apply(response, values), callback })
        return response
      },
      flushHeaders: () => {
        if (goesNowhere()) return
        this.#submit({ ends: false, carryOut: () => flushHeaders.call(response), callback: undefined })
      },
    }
    Object.assign(response, methods)
  }

  #listeningWriteHead(): Method {
    const response = this.#response
    Object.assign(response, { writeHead: this.#inner.writeHead })
    onHeaders(response, () => this.#keeper.onHeaders())
    return response.writeHead as unknown as Method
  }

  /** Whether headers may go out as they come. */
  get #isOpen(): boolean {
    return this.#headersAsked && !this.#waiting
  }

  /** Whether the response was answered in the handler's place, or cut off: what the handler still sends goes nowhere. */
  get #isReplaced(): boolean {
    return this.#failed && (this.#response.destroyed || nativeFlag(this.#response, 'writableEnded'))
  }

  #onWriteHead(values: unknown[]): unknown {
    if (this.#isOpen) return this.#writeHead.apply(this.#response, flatHead(values))
    if (this.headersWait) throw headersSentError('write')
    checkHead(this.#response, values)
    this.#head = values
    this.#response.statusCode = this.#status()
    this.#disguise()
    return this.#response
  }

  #onWrite(carryOut: () => unknown, callback: Callback | undefined): unknown {
    let written: unknown = true
    const call: Call = {
      ends: false,
      carryOut: () => {
        written = carryOut()
      },
      callback,
    }
    if (this.#submit(call)) return written
    this.#needsDrain = true
    return false
  }

  /** Whether the call is through; else it waits. */
  #submit(call: Call): boolean {
    this.#calls.add(call)
    if (!this.#waiting) this.#advance(call)
    return this.#calls.first === undefined
  }

  /** Carries out what waits, up to where the keeper wants it to wait. */
  #advance(first?: Call): void {
    for (let call = this.#calls.first; call !== undefined; call = this.#calls.first) {
      const kept = this.#ask(call, first)
      if (kept !== undefined) {
        this.#keep(kept)
        return
      }
      this.#calls.removeFirst()
      try {
        this.#sendHead()
        call.carryOut()
      } catch (error) {
        // Who waits for it is told; who has called just now has the exception.
        if (call !== first && error instanceof Error) forget(call.callback, error)
        throw error
      }
    }
  }

  #ask(call: Call, first: Call | undefined): Promise<void> | undefined {
    if (!this.#headersAsked) {
      this.#headersAsked = true
      // What ends as it begins has nothing after its headers that could still happen.
      this.#endAsked = call.ends && call === first
      return this.#keeper.beforeHeaders(this.#status())
    }
    if (!call.ends || this.#endAsked) return undefined
    this.#endAsked = true
    return this.#keeper.beforeEnd()
  }

  #keep(kept: Promise<void>): void {
    const response = this.#response
    const { statusMessage } = response
    const statusCode = this.#status()
    this.#waiting = true
    this.#disguise()
    kept
      .then(() => {
        this.#waiting = false
        // Headers count as sent, so whatever the handler has done to the status since is too late.
        if (!this.#isSent) Object.assign(response, { statusCode, statusMessage })
        this.#advance()
        if (!this.#waiting) this.#tellDrain()
      })
      .catch((error: Error) => this.#fail(error))
  }

  #sendHead(): void {
    const head = this.#head
    if (head === undefined) return
    this.#head = undefined
    this.#writeHead.apply(this.#response, flatHead(head))
  }

  #status(): number {
    return this.#head === undefined ? this.#response.statusCode : Number(this.#head[0])
  }

  #tellDrain(): void {
    const response = this.#response
    const needed = this.#needsDrain && !response.writableEnded && !response.destroyed
    this.#needsDrain = false
    // Where Node's own buffer is full, Node tells when it is not.
    if (needed && !response.writableNeedDrain) process.nextTick(() => response.emit('drain'))
  }

  #fail(error: Error): void {
    const response = this.#response
    const calls = this.#calls.removeAll()
    this.#waiting = false
    this.#head = undefined
    this.#failed = true
    this.#endAsked = true
    for (const { callback } of calls) forget(callback, error)
    this.#releaseWriters()
    if (this.#isSent) {
      response.destroy()
    } else {
      this.#start.restore()
      // The keeper may have been told already, of headers that could not be sent.
      this.#writeHead = this.#listeningWriteHead()
      this.#guard()
    }
    this.#keeper.failed(error)
  }

  /** Whoever waits to go on with the handler's answer waits no longer than there is another one, or none. */
  #releaseWriters(): void {
    const response = this.#response
    response.on('unpipe', destroyUnread)
    if (this.#needsDrain) response.once('close', () => response.emit('drain'))
    this.#needsDrain = false
  }

  get #isSent(): boolean {
    return nativeFlag(this.#response, 'headersSent')
  }

  /** Whether headers wait that Node has not sent. */
  get headersWait(): boolean {
    return this.#head !== undefined || (this.#waiting && this.#headersAsked)
  }

  /** Whether the end waits. */
  get endWaits(): boolean {
    return this.#waiting && this.#calls.hasEnd
  }

  #disguise(): void {
    if (this.#disguised) return
    this.#disguised = true
    disguise(this.#response, this)
  }
}

/** A source that was piped into a response that takes no more, and into nothing else: nobody would ever close it. */
function destroyUnread(source: Readable): void {
  if (source.listenerCount('data') === 0 && source.listenerCount('readable') === 0) source.destroy()
}

/** Of a call that nobody will carry out. */
function forget(callback: Callback | undefined, error?: Error): void {
  if (callback !== undefined) process.nextTick(callback, error)
}

function isChunk(value: unknown): boolean {
  return typeof value === 'string' || types.isUint8Array(value)
}

function callbackIn(values: readonly unknown[]): Callback | undefined {
  return values.find((value): value is Callback => typeof value === 'function')
}
