// Node's child_process.fork: messages to one child, one at a time and all at
// once.
//
//   node node_fork.mjs [--quick]

import { fork } from 'node:child_process';
import { once } from 'node:events';

const quick = process.argv.includes('--quick');
const repetitions = quick ? 3 : 7;
const repetitionMs = quick ? 120 : 400;
const microseconds = () => Number(process.hrtime.bigint()) / 1e3;

function quantile(samples, q) {
  const sorted = [...samples].sort((a, b) => a - b);
  const place = q * (sorted.length - 1);
  const below = Math.floor(place);
  if (below + 1 >= sorted.length) return sorted[sorted.length - 1];
  return sorted[below] + (place - below) * (sorted[below + 1] - sorted[below]);
}

function printFigure(item, p, metric, unit, samples) {
  console.log(JSON.stringify({
    item, who: 'node_fork_send', p, metric, unit,
    median: quantile(samples, 0.5), min: quantile(samples, 0),
    max: quantile(samples, 1),
    iqr: quantile(samples, 0.75) - quantile(samples, 0.25), n: samples.length,
  }));
}

class Child {
  constructor() {
    this.process = fork(process.argv[1], ['--child']);
    this.process.on('message', (message) => this.onAnswer(message));
  }

  call(message) {
    return new Promise((resolve) => {
      this.onAnswer = resolve;
      this.process.send(message);
    });
  }

  callAll(count) {
    return new Promise((resolve) => {
      let answered = 0;
      this.onAnswer = () => {
        if (++answered === count) resolve();
      };
      for (let i = 0; i < count; ++i) this.process.send(i);
    });
  }

  async close() {
    this.process.disconnect();
    await once(this.process, 'exit');
  }
}

async function timeCalls(child, milliseconds) {
  const took = [];
  const start = microseconds();
  for (let before = start; before - start < milliseconds * 1e3;) {
    await child.call(1);
    const now = microseconds();
    took.push(now - before);
    before = now;
  }
  return took;
}

async function main() {
  const p50 = [], rate = [];
  const count = quick ? 20000 : 50000;
  for (let i = 0; i < repetitions; ++i) {
    const child = new Child();
    await timeCalls(child, repetitionMs);
    p50.push(quantile(await timeCalls(child, repetitionMs), 0.5));
    const start = microseconds();
    await child.callAll(count);
    rate.push(count / (microseconds() - start) * 1e6);
    await child.close();
  }
  const p = { task: 'empty', workers: 1 };
  printFigure('pool_roundtrip', p, 'p50', 'us', p50);
  printFigure('pool_throughput', { ...p, op: 'send_all' }, 'tasks_per_s', '1/s',
    rate);
}

if (process.argv.includes('--child')) {
  process.on('message', (message) => process.send(message));
} else {
  await main();
}
