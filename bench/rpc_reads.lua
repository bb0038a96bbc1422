-- What wrk sends: METHOD eth_blockNumber, or eth_getBalance over ADDRESSES addresses in turn.
-- With CHECK=1 every answer must hold a result.
local method = os.getenv("METHOD") or "eth_blockNumber"
local count = tonumber(os.getenv("ADDRESSES") or "1000")
local requests, turn = {}, 0

local function body(params)
  return '{"jsonrpc":"2.0","id":1,"method":"' .. method .. '","params":' .. params .. "}"
end

function init(arguments)
  wrk.method = "POST"
  wrk.headers["Content-Type"] = "application/json"
  if method == "eth_getBalance" then
    for n = 1, count do
      requests[n] = wrk.format(nil, nil, nil, body(string.format('["0x%040x","latest"]', 4096 + n)))
    end
  else
    requests[1] = wrk.format(nil, nil, nil, body("[]"))
  end
end

function request()
  turn = turn % #requests + 1
  return requests[turn]
end

if os.getenv("CHECK") == "1" then
  function response(status, headers, text)
    if status ~= 200 or not text:find('"result":"0x', 1, true) then
      io.stderr:write("BAD " .. status .. " " .. text:sub(1, 200) .. "\n")
    end
  end
end
