import { afterEach, expect, test } from 'vitest';

import { moment, whole } from '../src/formats';

afterEach(() => document.documentElement.removeAttribute('lang'));

test.each([
  ['en', '1,234,567'],
  ['ru-RU', '1\u00a0234\u00a0567'],
  ['ru_RU', '1\u00a0234\u00a0567'], // as JupyterLab’s own setting has it
])('numbers are written as in the page’s language: %s', (language, text) => {
  document.documentElement.lang = language;
  expect(whole('1234567')).toBe(text);
  expect(whole(1234567)).toBe(text);
});

test('an Int64 of the API keeps all of its digits', () => {
  document.documentElement.lang = 'en';
  expect(whole('9223372036854775807')).toBe('9,223,372,036,854,775,807');
});

test('so are times', () => {
  document.documentElement.lang = 'ru';
  expect(moment(new Date(2026, 10, 30, 14, 5))).toMatch(/30 нояб.*2026.*14:05/);
});
