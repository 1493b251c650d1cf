// Asks the server for pictures, one at a time: while one is under way only the latest wish waits.
import { api } from "../../../scripts/api.js";

export async function post(path, body) {
  const headers = { "Content-Type": "application/json" };
  const request = { method: "POST", headers, body: JSON.stringify(body) };
  const silent = () => new Response("The server does not answer.", { status: 503 });
  return api.fetchApi(path, request).catch(silent);
}

// Returns wish(what): calls ask(what), then show(result), for the latest wish.
export function latest(ask, show) {
  let busy = false;
  let next = null;
  return async (what) => {
    next = { what };
    if (busy) return;
    busy = true;
    try {
      while (next) {
        const now = next;
        next = null;
        await show(await ask(now.what), now.what);
      }
    } finally {
      busy = false;
    }
  };
}
