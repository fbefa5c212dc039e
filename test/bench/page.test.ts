import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { pageOf } from '../../bench/page/page-html.js'
import type { Run } from '../../bench/results/run.js'
import { runOfOne } from './run-of-one.js'

const page = suite('the page of a bench')

const SLY = '</script><b>&"'

function runWith(label: string): Run {
  return runOfOne({
    missing: ['left out: nothing'],
    groups: [
      {
        title: 'On the disk',
        measures: ['perSecond', 'loopMicroseconds'],
        charts: ['perSecond'],
        lines: [
          { id: 'one', label, survives: 'power', sharedBy: 'network', figures: { perSecond: [1, 2, 3] } },
        ],
      },
    ],
    targets: [
      { name: 'missed by far', goal: { least: 9 }, measured: { median: 2, least: 1, most: 3 } },
      { name: 'never measured', goal: { least: 9 }, measured: undefined },
    ],
  })
}

page('has a place for each chart, the command that repeats it, and all figures in a table', async () => {
  const html = await pageOf(runWith('coatcheck journal'), { style: 'p{}', script: 'draw()' })
  assert.match(html, 'data-chart="0.0" data-measure="perSecond"')
  assert.match(html, '<code>npm run bench -- save</code>')
  assert.match(html, '<td>2.00 <span class="spread">(1.00–3.00)</span></td>')
  assert.match(html, 'left out: nothing')
  assert.match(html, '<th scope="row" class="ours">coatcheck journal</th>')
})

page('tells goals that were missed, and none that were not measured', async () => {
  const html = await pageOf(runWith('a'), { style: '', script: '' })
  assert.match(html, /missed by far.*class="missed">missed/)
  assert.not.match(html, /<th scope="row">never measured/)
})

page('takes every text for a text', async () => {
  const html = await pageOf(runWith(SLY), { style: '', script: `const end = '</script>'` })
  assert.is(html.split('</script>').length, 3)
  assert.not.match(html, '<b>')
  const embedded = /id="run">(.*?)<\/script>/s.exec(html)?.[1] ?? ''
  assert.equal((JSON.parse(embedded) as Run).sections[0]?.groups[0]?.lines[0]?.label, SLY)
})

page.run()
