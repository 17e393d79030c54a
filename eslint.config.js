// ES modules without a build: the browser runs what is written here.
import { createRequire } from 'node:module';

// The tools live in var/npm/, beside everything else that is installed.
const require = createRequire(new URL('./var/npm/package.json', import.meta.url));
const js = require('@eslint/js');
const globals = require('globals');

export default [
  js.configs.recommended,
  {
    files: ['static/**/*.js'],
    languageOptions: { ecmaVersion: 2023, sourceType: 'module', globals: globals.browser },
    rules: {
      eqeqeq: 'error',
      'no-var': 'error',
      'prefer-const': 'error',
      // Hashing the static files rewrites module imports, and finds only those that end so.
      semi: ['error', 'always'],
      // Text goes in as text; the content policy would refuse the rest anyway.
      'no-eval': 'error',
      'no-implied-eval': 'error',
      'no-restricted-properties': [
        'error',
        { property: 'innerHTML', message: 'Set textContent, or build elements.' },
        { property: 'outerHTML', message: 'Build elements.' },
      ],
    },
  },
];
