import { encodeName } from '#dist/workers/files/names.js'
import { keyHash } from '#dist/workers/protocol/index.js'
import { makeKeys } from '../workloads/keys.js'
import type { Case } from './case.js'

/** Keys on their way to a directory and a file name. */
export function keyCases(): Case[] {
  const django = makeKeys(256)
  const express = django.map((key, index) => `${(index % 2 === 0 ? key.toUpperCase() : key).slice(0, 31)}_`)
  return [
    { name: 'keyHash', step: inTurn(django, keyHash) },
    { name: 'encodeName, a key of Django', step: inTurn(django, encodeName) },
    { name: 'encodeName, a key of Express', step: inTurn(express, encodeName) },
  ]
}

function inTurn(keys: readonly string[], step: (key: string) => unknown): () => unknown {
  let next = 0
  return () => step(keys[next++ % keys.length] ?? '')
}
