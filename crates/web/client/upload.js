/** An upload, by XMLHttpRequest: `fetch` does not tell how far it is. */

import { Problem, retryAfter } from "./problem.js";

/**
 * @param {XMLHttpRequest} xhr @param {string} address
 * @param {{file: File|Blob, token: string, onProgress?: (progress: {loaded: number, total: number}) => void, signal?: AbortSignal}} options
 * @returns {Promise<any>}
 */
export function send(xhr, address, { file, token, onProgress, signal }) {
  return new Promise((resolve, reject) => {
    if (signal?.aborted) return reject(signal.reason);
    const giveUp = () => xhr.abort();
    const end = () => signal?.removeEventListener("abort", giveUp);
    signal?.addEventListener("abort", giveUp);
    xhr.upload.onprogress = ({ loaded, total }) => signal?.aborted || onProgress?.({ loaded, total });
    xhr.onerror = () => (end(), reject(Problem.network(undefined)));
    xhr.onabort = () => (end(), reject(signal?.reason ?? new DOMException("The upload was given up", "AbortError")));
    xhr.onload = () => {
      end();
      const answer = parsed(xhr.responseText);
      if (xhr.status >= 200 && xhr.status < 300) return resolve(answer);
      reject(Problem.from(xhr.status, answer, retryAfter({ get: (name) => xhr.getResponseHeader(name) })));
    };
    const form = new FormData();
    form.append("file", file, "name" in file ? file.name : "file");
    xhr.open("POST", address);
    xhr.setRequestHeader("authorization", `Bearer ${token}`);
    xhr.send(form);
  });
}

/** @param {string} text */
function parsed(text) {
  try {
    return JSON.parse(text);
  } catch {
    return null;
  }
}
