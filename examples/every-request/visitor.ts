import { isDeepStrictEqual } from 'node:util'
import { type CartState, changed, EMPTY, PRODUCTS, stateIn } from './cart.js'

/** One request of a visitor. */
export interface VisitorRequest {
  readonly method: 'GET' | 'POST' | 'DELETE'
  readonly path: string
  readonly headers: Readonly<Record<string, string>>
}

/** What is to be found on disk for a visitor, as far as he knows. */
export interface Expectation {
  /** The session's key; absent when the visitor never got a cookie. */
  readonly key: string | undefined
  /** Answers received; a session was saved for each. */
  readonly acknowledged: number
  /** What the last answer said. */
  readonly state: CartState
  /** Answers that did not continue the one before: an earlier save was lost. */
  readonly outOfStep: number
}

/**
 * Somebody with a cookie jar of his own, who changes his cart with each request and never has two under way. He
 * leaves with a request that changes nothing, and waits for its answer: so his last change is an acknowledged one.
 */
export class Visitor {
  readonly #index: number
  #cookie: string | undefined
  #state: CartState = EMPTY
  #expected: CartState | undefined = EMPTY
  #acknowledged = 0
  #outOfStep = 0
  #leaving = false
  #farewell: 'none' | 'sent' | 'answered' = 'none'

  constructor(index: number) {
    this.#index = index
  }

  /** Whether he has said good-bye and was answered. */
  get hasLeft(): boolean {
    return this.#farewell === 'answered'
  }

  /** No more changes after the one that is under way. */
  leave(): void {
    this.#leaving = true
  }

  nextRequest(): VisitorRequest {
    const headers: Record<string, string> = this.#cookie === undefined ? {} : { cookie: this.#cookie }
    if (this.#leaving) {
      this.#expected = this.#state
      if (this.#farewell === 'none') this.#farewell = 'sent'
      return { method: 'GET', path: '/cart', headers }
    }
    const { product, by } = this.#choose()
    this.#expected = changed(this.#state, product, by)
    return { method: by === 1 ? 'POST' : 'DELETE', path: `/cart/${encodeURIComponent(product)}`, headers }
  }

  /** Takes the answer; throws when it is none that the shop gives. */
  takeAnswer(status: number, body: string, setCookie: string | undefined): void {
    if (status !== 200) return
    const state = stateIn(JSON.parse(body))
    if (state === undefined) throw new Error('the answer shows no cart')
    if (setCookie !== undefined) this.#cookie = setCookie.split(';')[0]
    if (!isDeepStrictEqual(state, this.#expected)) this.#outOfStep++
    this.#state = state
    this.#acknowledged++
    if (this.#farewell === 'sent') this.#farewell = 'answered'
  }

  expectation(): Expectation {
    return {
      key: this.#cookie === undefined ? undefined : keyIn(this.#cookie),
      acknowledged: this.#acknowledged,
      state: this.#state,
      outOfStep: this.#outOfStep,
    }
  }

  /** Fills the cart with this and that, and empties it when it is full. */
  #choose(): { readonly product: string; readonly by: 1 | -1 } {
    const step = this.#index + this.#state.changes * 5
    const held = Object.keys(this.#state.cart)
    const full = Math.floor(this.#state.changes / 20) % 2 === 1
    const choices = full && held.length > 0 ? held : PRODUCTS
    return { product: choices[step % choices.length] ?? PRODUCTS[0], by: choices === held ? -1 : 1 }
  }
}

/** The session's key in a signed cookie: `name=key.signature`, or express-session's `name=s:key.signature`. */
function keyIn(cookie: string): string {
  const value = decodeURIComponent(cookie.slice(cookie.indexOf('=') + 1))
  return value.slice(value.startsWith('s:') ? 2 : 0, value.lastIndexOf('.'))
}
