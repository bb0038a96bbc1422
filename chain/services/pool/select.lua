-- Records of executable transactions for one block, senders in falling order of their next tip, each
-- sender's ascending from the first that no merged block holds.
-- ARGV: wanted, base fee (12 bytes), call gas limit of the stream
local PAGE, MOST = 512, 20480
local wanted, gas_limit = tonumber(ARGV[1]), tonumber(ARGV[3])
local base_high, base_low = unpack_bytes('>I6I6', ARGV[2])
local ready = call('ZCARD', K_READY)
-- one sender's long run leaves room for others
local quota = math.min(CHUNK, math.max(16, math.ceil(2 * wanted / math.max(ready, 1))))
local enough = wanted + math.floor(wanted / 4) + 1
local out, later, scanned = {}, {}, 0

local function gather(addr, state)
  local key = P .. 's:' .. addr
  local _, nonce, stop, from, _, code = unpack_bytes(STATE, state)
  local last = math.min(stop, from + quota) - 1
  if code == 1 then
    -- a delegated sender has one transaction in an epoch
    if from > nonce then return end
    last = math.min(last, from)
  end
  local names = {}
  for n = from, last do names[#names + 1] = field(n) end
  for i, record in ipairs(call('HMGET', key, unpack(names))) do
    local _, _, _, _, _, fh, fl, _, _, _, gas, simple = unpack_bytes(HEAD, record)
    if above(base_high, base_low, fh, fl) then
      -- it cannot run now: behind all that can, until the fee falls or it is replaced
      if i == 1 then later[#later + 1] = {(fh - base_high) * LIMB + fl - base_low, addr} end
      return
    end
    if simple == 0 and gas > gas_limit then return end
    out[#out + 1] = record
  end
end

while scanned < MOST and #out < enough do
  local page = call('ZREVRANGE', K_READY, scanned, scanned + PAGE - 1)
  if #page == 0 then break end
  for i, state in ipairs(call('HMGET', K_STATES, unpack(page))) do
    gather(page[i], state)
    if #out >= enough then break end
  end
  scanned = scanned + #page
end
for _, place in ipairs(later) do call('ZADD', K_READY, place[1], place[2]) end
return out
