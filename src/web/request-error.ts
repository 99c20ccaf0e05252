import type { ApiError } from "./sources.ts";

/** A request that cannot be answered; the server writes it as `{code, message, fix}`. */
export class RequestError extends Error {
  readonly statusCode: number;
  readonly answer: ApiError;
  readonly headers: Readonly<Record<string, string>>;

  constructor(statusCode: number, answer: ApiError, headers: Readonly<Record<string, string>> = {}) {
    super(answer.message);
    this.statusCode = statusCode;
    this.answer = answer;
    this.headers = headers;
  }
}
