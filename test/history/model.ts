import type { Model } from './checker.js'

/*
 * One session, were its operations done one after the other.
 *
 * Every write brings a value of its own, so that a load names the write that it has seen. Lives are numbers, too: 0 is over,
 * any other one is a moment that does not come while the test runs.
 */

/** What was called. */
export type Call =
  | { readonly kind: 'create' | 'update' | 'save'; readonly value: number; readonly life: number }
  /** `expected`: the value that it is meant to replace. */
  | { readonly kind: 'replace'; readonly value: number; readonly life: number; readonly expected: number }
  | { readonly kind: 'touch'; readonly life: number }
  | { readonly kind: 'load' | 'loadVersion' | 'loadWithExpiry' | 'exists' | 'delete' }

/** What was called, and told; `told` is absent where nobody was told, or only that something had failed. */
export type SessionOperation = Call & { readonly told?: string }

/** What a call tells that has nothing to tell. */
export const DONE = 'done'
/** What a load tells when there is no session. */
export const NOTHING = 'nothing'

/** What a load tells. */
export function valueText(value: number): string {
  return `value ${value}`
}

/** What a load tells that asks for the expiry, too. */
export function livingText(value: number, life: number): string {
  return `value ${value} for life ${life}`
}

interface Stored {
  readonly value: number
  readonly life: number
}

type State = Stored | undefined

/** The session of one key, which is not there at first. */
export const SESSION_MODEL: Model<State, SessionOperation> = {
  initial: undefined,
  apply(state, operation) {
    const [told, next] = perform(state, operation)
    return operation.told === undefined || operation.told === told ? { state: next } : undefined
  },
  nameOf: (state) => (state === undefined ? '' : `${state.value}:${state.life}`),
}

/** What a call tells, and what is left. */
export function perform(state: State, call: Call): [told: string, state: State] {
  switch (call.kind) {
    case 'create':
      return state === undefined ? [DONE, stored(call)] : ['CreateError', state]
    case 'update':
      return state === undefined ? ['UpdateError', undefined] : [DONE, stored(call)]
    case 'save':
      return [DONE, stored(call)]
    case 'replace':
      if (state === undefined) return ['UpdateError', undefined]
      return state.value === call.expected ? [DONE, stored(call)] : ['ConflictError', state]
    case 'touch':
      if (state === undefined) return ['false', undefined]
      return ['true', stored({ value: state.value, life: call.life })]
    case 'load':
    case 'loadVersion':
      return [state === undefined ? NOTHING : valueText(state.value), state]
    case 'loadWithExpiry':
      return [state === undefined ? NOTHING : livingText(state.value, state.life), state]
    case 'exists':
      return [String(state !== undefined), state]
    case 'delete':
      return [DONE, undefined]
  }
}

function stored({ value, life }: Stored): State {
  return life === 0 ? undefined : { value, life }
}

/** Whether a call looks only, and changes nothing. */
export function isLook({ kind }: Call): boolean {
  return kind === 'load' || kind === 'loadVersion' || kind === 'loadWithExpiry' || kind === 'exists'
}

/** Whether an operation has left everything as it was, whatever that was. */
export function changedNothing(operation: SessionOperation): boolean {
  if (isLook(operation)) return true
  const { told } = operation
  return told === 'false' || told === 'CreateError' || told === 'UpdateError' || told === 'ConflictError'
}
