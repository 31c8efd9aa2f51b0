import { describe, expect, it } from 'vitest';
import { Histogram } from './histogram.ts';
import { createMetrics } from './metrics.ts';

describe('a histogram', () => {
  it('counts what took as long as a bound or less, and what took longer than all', () => {
    const histogram = new Histogram();
    for (const ms of [0, 1, 1.1, 2, 10_000, 10_001]) histogram.note(ms);
    const upTo = new Map(histogram.upTo());
    expect([upTo.get(1), upTo.get(2), upTo.get(5_000), upTo.get(10_000)]).toEqual([2, 4, 4, 5]);
    expect([histogram.count, histogram.sumMs]).toEqual([6, 20_005.1]);
  });

  it('is one for Prometheus, too', async () => {
    const histogram = new Histogram();
    const metrics = createMetrics();
    metrics.histogram('answer_milliseconds', 'How long answers took', histogram);
    histogram.note(3);
    histogram.note(20_000);
    const { body } = await metrics.scrape();
    const [, text = ''] = body.split('# HELP luxchat_answer_milliseconds ');
    expect(text.split('\n').slice(0, 5)).toEqual([
      'How long answers took',
      '# TYPE luxchat_answer_milliseconds histogram',
      'luxchat_answer_milliseconds_bucket{le="1"} 0',
      'luxchat_answer_milliseconds_bucket{le="2"} 0',
      'luxchat_answer_milliseconds_bucket{le="5"} 1',
    ]);
    expect(text.trim().split('\n').slice(-3)).toEqual([
      'luxchat_answer_milliseconds_bucket{le="+Inf"} 2',
      'luxchat_answer_milliseconds_sum 20003',
      'luxchat_answer_milliseconds_count 2',
    ]);
  });
});
