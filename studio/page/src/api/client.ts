/** The studio's API: JSON in and out, the session's token with every request, errors as the program prints them. */

const root = "/api/v1";
export const token = document.querySelector<HTMLMetaElement>('meta[name="ziplora-token"]')?.content ?? "";

/** What the server or the program refused: what was found, and a step that mends it. */
export class ApiError extends Error {
  constructor(
    readonly status: number,
    readonly problem: string,
    readonly hint = "",
    readonly where = "",
    readonly kind = "",
  ) {
    super(problem);
  }
}

const unreachable = () =>
  new ApiError(0, "the studio does not answer", "see whether `ziplora studio` still runs in its terminal, then reload this page");

export function asApiError(status: number, body: string): ApiError {
  try {
    const said = JSON.parse(body) as { problem?: string; hint?: string; where?: string; kind?: string };
    if (said.problem) return new ApiError(status, said.problem, said.hint, said.where, said.kind);
  } catch {
    // not JSON: a proxy's answer, or none
  }
  return new ApiError(status, `the studio answered with status ${status}`, "reload this page and try again");
}

async function request<T>(method: string, path: string, body?: unknown): Promise<T> {
  const headers: Record<string, string> = { "X-Ziplora-Token": token };
  if (body !== undefined) headers["Content-Type"] = "application/json";
  let answer: Response;
  let text: string;
  try {
    answer = await fetch(root + path, { method, headers, body: body === undefined ? undefined : JSON.stringify(body) });
    text = await answer.text();
  } catch {
    throw unreachable();
  }
  if (!answer.ok) throw asApiError(answer.status, text);
  return (text ? JSON.parse(text) : undefined) as T;
}

export const get = <T>(path: string) => request<T>("GET", path);
export const post = <T>(path: string, body: unknown = {}) => request<T>("POST", path, body);
export const put = <T>(path: string, body: unknown) => request<T>("PUT", path, body);
export const remove = <T>(path: string) => request<T>("DELETE", path);

/** Sends a file as the body. `progress` gets the share that was sent, 0 to 1: fetch() cannot tell it. */
export function upload<T>(path: string, file: Blob, progress?: (share: number) => void): Promise<T> {
  return new Promise((resolve, reject) => {
    const sending = new XMLHttpRequest();
    sending.open("POST", root + path);
    sending.setRequestHeader("X-Ziplora-Token", token);
    sending.setRequestHeader("Content-Type", "application/octet-stream");
    sending.upload.onprogress = (event) => event.lengthComputable && progress?.(event.loaded / event.total);
    sending.onerror = () => reject(unreachable());
    sending.onload = () => {
      if (sending.status >= 200 && sending.status < 300) resolve(JSON.parse(sending.responseText) as T);
      else reject(asApiError(sending.status, sending.responseText));
    };
    sending.send(file);
  });
}

/** An address that an image, a link or an event stream can use: these cannot send headers. */
export function address(path: string): string {
  return `${root}${path}${path.includes("?") ? "&" : "?"}token=${encodeURIComponent(token)}`;
}
