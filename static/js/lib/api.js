// Ask the API: JSON in, JSON out, every refusal an ApiError that carries the problem's own words.

export class ApiError extends Error {
  constructor(problem, status) {
    super(problem.detail || problem.title || `The server answered ${status}.`);
    this.name = 'ApiError';
    this.status = status;
    this.code = problem.code || '';
    this.problem = problem;
  }
}

export function csrfToken(cookies = document.cookie) {
  const found = cookies.split('; ').find((part) => part.startsWith('csrftoken='));
  return found ? decodeURIComponent(found.slice('csrftoken='.length)) : '';
}

export async function readProblem(response) {
  try {
    return await response.json();
  } catch {
    return {};
  }
}

async function ask(url, options = {}) {
  const response = await fetch(url, {
    credentials: 'same-origin',
    ...options,
    headers: { Accept: 'application/json', ...options.headers },
  });
  if (!response.ok) {
    throw new ApiError(await readProblem(response), response.status);
  }
  return response.status === 204 ? null : response.json();
}

export function get(url, query = {}) {
  const given = Object.entries(query).filter(([, value]) => value !== undefined && value !== null);
  const search = new URLSearchParams(given).toString();
  return ask(search ? `${url}?${search}` : url);
}

export function post(url, body = {}) {
  return ask(url, {
    method: 'POST',
    headers: { 'Content-Type': 'application/json', 'X-CSRFToken': csrfToken() },
    body: JSON.stringify(body),
  });
}
