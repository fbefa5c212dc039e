import { readdirSync, readlinkSync } from 'node:fs'
import { StorageError } from 'coatcheck'
import type { FaultPlan, SystemCall } from '../fault.js'

/** A fault of one run: where it may show besides is up to the run. */
export type RunPlan = Pick<FaultPlan, 'calls' | 'action'> & { readonly first: number; readonly count: number }

/** What became of a promise. */
export type Settlement = { readonly value: unknown } | { readonly error: unknown }

/** Waits for a promise. */
export async function settle(promise: Promise<unknown>): Promise<Settlement> {
  try {
    return { value: await promise }
  } catch (error) {
    return { error }
  }
}

/** Whether it failed, and as it has to: by the one error type there is for this, with the code of the fault. */
export function hasFailed(settlement: Settlement, { action }: RunPlan): boolean {
  if (!('error' in settlement)) return false
  const { error } = settlement
  return error instanceof StorageError && error.errno === action
}

/** In a word: the value, or the error's name. */
export function wordFor(settlement: Settlement): string {
  if ('value' in settlement) return String(settlement.value)
  const { error } = settlement
  if (!(error instanceof Error)) return `thrown: ${error}`
  return error instanceof StorageError ? `StorageError ${error.errno}: ${error.message}` : error.name
}

/** The files below a directory that this process has open, sorted. */
export function openBelow(directory: string): string[] {
  return readdirSync('/proc/self/fd')
    .flatMap((name) => {
      try {
        return readlinkSync(`/proc/self/fd/${name}`)
      } catch {
        // The listing's own.
        return []
      }
    })
    .filter((path) => path.startsWith(directory))
    .sort()
}

/** Whether what is being tidied up could itself be kept from it: then that is left to the sweep. */
export function mayLeaveLitter(calls: readonly SystemCall[]): boolean {
  return calls.includes('unlink') || calls.includes('rmdir')
}
