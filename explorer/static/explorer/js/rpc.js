// JSON-RPC of this node, from its own pages.
let id = 0;

export class RpcError extends Error {
  constructor({ code, message, data }) {
    super(message);
    this.code = code;
    this.data = data;
  }
}

export const rpc = async (method, params = []) => {
  const answer = await fetch("/rpc", {
    method: "POST",
    headers: { "content-type": "application/json" },
    body: JSON.stringify({ jsonrpc: "2.0", id: ++id, method, params }),
  });
  const { result, error } = await answer.json();
  if (error) throw new RpcError(error);
  return result;
};
