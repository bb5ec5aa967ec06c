import { instantOf, parseMoment, parsePacedMoment, parseSpeed, type Moment } from './moment.js';

const time = (text: string): Moment => ({ kind: 'time', time: Date.parse(text) });
const age = (ageMs: number): Moment => ({ kind: 'age', ageMs });

describe('a moment', () => {
  it.each<[string, Moment | undefined]>([
    ['1234', { kind: 'sequence', sequence: 1234 }],
    ['0', { kind: 'sequence', sequence: 0 }],
    ['90s', age(90_000)],
    ['10m', age(600_000)],
    ['2h', age(7_200_000)],
    ['1d', age(86_400_000)],
    ['1d2h3m4s', age(93_784_000)],
    ['0s', age(0)],
    ['now', age(0)],
    ['2026-01-02T03:04:05Z', time('2026-01-02T03:04:05Z')],
    ['2026-01-02t03:04:05.123456z', time('2026-01-02T03:04:05.123Z')],
    ['2026-01-02T03:04:05+01:00', time('2026-01-02T02:04:05Z')],
    ['2026-01-02', time('2026-01-02T00:00:00Z')],
    ['2024-02-29', time('2024-02-29T00:00:00Z')],
    ['2026-02-29', undefined],
    ['2026-13-01', undefined],
    ['2026-01-02T25:04:05Z', undefined],
    ['2026-01-02T03:04:05', undefined],
    ['2026-01-02 03:04:05Z', undefined],
    ['1234567890123456', undefined],
    ['10', { kind: 'sequence', sequence: 10 }],
    ['10w', undefined],
    ['10m2h', undefined],
    ['m', undefined],
    ['-10m', undefined],
    ['yesterday', undefined],
    ['', undefined],
  ])('%j is read as it is meant, or not at all', (text, moment) => {
    expect(parseMoment(text)).toEqual(moment);
  });

  it.each<[string, number | undefined]>([
    ['10m', 400_000],
    ['1970-01-01T00:00:01Z', 1_000],
    ['7', undefined],
  ])('%j is an instant where no log is needed to know it', (text, instant) => {
    const moment = parseMoment(text);
    expect(moment && instantOf(moment, 1_000_000)).toBe(instant);
  });
});

describe('a speed', () => {
  it.each<[string, number | undefined]>([
    ['1x', 1],
    ['10x', 10],
    ['2', 2],
    ['0.5x', 0.5],
    ['max', Infinity],
    ['1000000x', 1_000_000],
    ['1000001x', undefined],
    ['0', undefined],
    ['0.0001', undefined],
    ['-1x', undefined],
    ['fast', undefined],
    ['', undefined],
  ])('%j is a number of times, or none', (text, speed) => {
    expect(parseSpeed(text)).toBe(speed);
  });
});

describe('a moment with its pace', () => {
  it.each<[string, unknown]>([
    ['10m', { moment: age(600_000) }],
    ['7;speed=max', { moment: { kind: 'sequence', sequence: 7 }, speed: Infinity }],
    ['soon', { problem: expect.stringContaining('"soon" is no moment: it must be a sequence (1234)') }],
    ['7;speed=warp', { problem: expect.stringContaining('"warp" is no speed') }],
    ['7;pace=2', { problem: '"pace=2" is unknown: only speed may follow a moment' }],
    ['7;speed=2;speed=3', { problem: '"speed=2;speed=3" is unknown: only speed may follow a moment' }],
  ])('%j says what it is, or what is wrong', (text, read) => {
    expect(parsePacedMoment(text)).toEqual(read);
  });
});
