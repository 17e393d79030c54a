// Ask the API: JSON in, JSON out, every refusal an ApiError that carries the problem's own words.

const NO_ANSWER = 'The server does not answer. Look at your connection and try again in a moment.';
const AWAY = 'The server is away for a moment. Nothing was lost; try again in a minute.';
const BROKEN = 'Something broke on the server. Nothing was lost; try again in a minute.';
const AWAY_FROM = [502, 503, 504];

/** What is said where the answer brings no words of its own; status 0 is no answer at all. */
export function wordsOf(status) {
  if (status === 0) {
    return NO_ANSWER;
  }
  if (AWAY_FROM.includes(status)) {
    return AWAY;
  }
  return status >= 500 ? BROKEN : `The server did not take this (${status}). Load the page again, then try once more.`;
}

export class ApiError extends Error {
  constructor(problem, status) {
    super(problem.detail || problem.title || wordsOf(status));
    this.name = 'ApiError';
    this.status = status;
    this.code = problem.code || '';
    this.problem = problem;
  }
}

export function csrfToken(cookies = document.cookie) {
  // By HTTPS it is called otherwise, so that no other host can set it.
  const found = cookies.split('; ').find((part) => /^(__Host-)?csrftoken=/.test(part));
  return found ? decodeURIComponent(found.slice(found.indexOf('=') + 1)) : '';
}

export async function readProblem(response) {
  try {
    return await response.json();
  } catch {
    return {};
  }
}

/** Fetch; that nobody answered is told like any other refusal, in words. */
export async function reach(url, options) {
  try {
    return await fetch(url, options);
  } catch {
    throw new ApiError({}, 0);
  }
}

/** The answer's JSON; one that broke off midway is no answer. */
async function readWhole(response) {
  try {
    return await response.json();
  } catch {
    throw new ApiError({}, 0);
  }
}

async function ask(url, options = {}) {
  const response = await reach(url, {
    credentials: 'same-origin',
    ...options,
    headers: { Accept: 'application/json', ...options.headers },
  });
  if (!response.ok) {
    throw new ApiError(await readProblem(response), response.status);
  }
  return response.status === 204 ? null : readWhole(response);
}

export function get(url, query = {}) {
  const given = Object.entries(query).filter(([, value]) => value !== undefined && value !== null);
  const search = new URLSearchParams(given).toString();
  return ask(search ? `${url}?${search}` : url);
}

function send(method, url, body) {
  return ask(url, {
    method,
    headers: { 'Content-Type': 'application/json', 'X-CSRFToken': csrfToken() },
    body: JSON.stringify(body),
  });
}

export const post = (url, body = {}) => send('POST', url, body);
export const put = (url, body) => send('PUT', url, body);
export const remove = (url) => send('DELETE', url);
