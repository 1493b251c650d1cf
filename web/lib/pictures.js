// Asks the server for pictures, one at a time: while one is under way only the latest wish waits.
import { api } from "../../../scripts/api.js";

export async function post(path, body) {
  const headers = { "Content-Type": "application/json" };
  const asked = JSON.stringify({ client: api.clientId, ...body });
  return api.fetchApi(path, { method: "POST", headers, body: asked });
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
        const result = await ask(now.what);
        if (result != null) await show(result, now.what);
      }
    } finally {
      busy = false;
    }
  };
}
