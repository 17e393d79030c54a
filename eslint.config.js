import { createRequire } from 'node:module';

// The packages live in var/npm/, where set-up puts everything that is not ours.
const require = createRequire(new URL('./var/npm/package.json', import.meta.url));
const js = require('@eslint/js');
const globals = require('globals');

// One style for our own JavaScript; third-party files are not ours to judge.
const rules = {
  ...js.configs.recommended.rules,
  'array-callback-return': 'error',
  complexity: ['error', 12],
  'consistent-return': 'off',
  curly: 'error',
  eqeqeq: 'error',
  'max-lines': ['error', 500],
  'max-lines-per-function': ['error', { max: 60, skipComments: true, skipBlankLines: true }],
  'no-eval': 'error',
  'no-implicit-globals': 'error',
  'no-implied-eval': 'error',
  'no-new-func': 'error',
  // Text goes in as text: markup built from strings is how scripts get injected.
  'no-restricted-syntax': [
    'error',
    {
      selector: 'AssignmentExpression[left.property.name=/^(inner|outer)HTML$/]',
      message: 'Set textContent or append nodes.',
    },
    {
      selector: 'CallExpression[callee.property.name=/^(insertAdjacentHTML|write|writeln)$/]',
      message: 'Append nodes.',
    },
  ],
  'no-shadow': 'error',
  'no-unused-vars': ['error', { argsIgnorePattern: '^_', caughtErrors: 'none' }],
  // Two functions that call each other cannot both come first.
  'no-use-before-define': ['error', { functions: false, classes: false, variables: false }],
  'no-var': 'error',
  'object-shorthand': 'error',
  'prefer-const': 'error',
  // The hashing of static files finds a module's address only where a semicolon follows it.
  semi: ['error', 'always'],
};

export default [
  { ignores: ['var/**', '.venv/**'] },
  {
    files: ['static/js/**/*.js'],
    languageOptions: { ecmaVersion: 2024, sourceType: 'module', globals: globals.browser },
    rules,
  },
  {
    files: ['static/js/theme-boot.js'],
    languageOptions: { sourceType: 'script' },
  },
  {
    files: ['tests/js/**/*.js', 'eslint.config.js'],
    languageOptions: { ecmaVersion: 2024, sourceType: 'module', globals: globals.node },
    rules: { ...rules, 'max-lines-per-function': 'off' },
  },
];
