import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { Moment } from '#dist/src/engine/moment.js'

const moment = suite('engine: a moment')

moment('tells whoever waited for it, in their order, and whoever asks when it has come', async () => {
  const { told, wait, come } = watched()
  wait('first')
  wait('second')
  await new Promise((resolve) => setImmediate(resolve))
  assert.equal(told, [])
  come()
  await wait('late')
  assert.equal(told, ['first', 'second', 'late'])
})

moment('comes once: coming again tells nobody twice', async () => {
  const { told, wait, come } = watched()
  const waited = wait('only')
  come()
  come()
  await waited
  await new Promise((resolve) => setImmediate(resolve))
  assert.equal(told, ['only'])
})

function watched(): { readonly told: string[]; wait(name: string): Promise<void>; come(): void } {
  const watchedMoment = new Moment()
  const told: string[] = []
  return {
    told,
    wait: (name) => watchedMoment.whenCome().then(() => void told.push(name)),
    come: () => watchedMoment.come(),
  }
}

moment.run()
