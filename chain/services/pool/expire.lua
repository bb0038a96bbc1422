-- Drop transactions that waited too long and senders that have had none for long.
-- ARGV: now_ms, arrival at or before which a transaction goes, idle time at or before which a sender goes, most idle senders
local MOST = 1000
local now = tonumber(ARGV[1])
local old = call('ZRANGEBYSCORE', K_AGE, '-inf', ARGV[2], 'LIMIT', 0, MOST)
for _, hash in ipairs(old) do
  local place = call('HGET', K_TX, hash)
  local s, nonce = load(string.sub(place, 1, 20)), unpack_bytes('>I8', place, 21)
  forget(s, {nonce})
  rank(s)
end
commit(now)
if not ranked then call('DEL', K_LINE, K_BOOST) end
local idle = call('ZRANGEBYSCORE', K_IDLE, '-inf', ARGV[3], 'LIMIT', 0, MOST)
local surplus = call('ZCARD', K_IDLE) - #idle - tonumber(ARGV[4])
if surplus > 0 then
  for _, addr in ipairs(call('ZRANGE', K_IDLE, #idle, #idle + math.min(surplus, MOST) - 1)) do idle[#idle + 1] = addr end
end
for _, addr in ipairs(idle) do
  call('HDEL', K_STATES, addr)
  call('ZREM', K_IDLE, addr)
end
return #old
