-- Which transactions stand in blocks that virtual merges: they run before any new block's own, so the
-- queue for blocks goes on behind them.
-- ARGV: now_ms, sequence of the commit, hashes
if ARGV[2] ~= call('GET', K_SEQUENCE) then return -1 end
local hashes, groups, count = ARGV[3], {}, 0
for start = 1, #hashes, 32 * CHUNK do
  local wanted = {}
  for at = start, math.min(start + 32 * CHUNK, #hashes + 1) - 1, 32 do
    wanted[#wanted + 1] = string.sub(hashes, at, at + 31)
  end
  for _, place in ipairs(call('HMGET', K_TX, unpack(wanted))) do
    if place then
      local addr = string.sub(place, 1, 20)
      local group = groups[addr]
      if not group then
        group = {}
        groups[addr] = group
      end
      group[unpack_bytes('>I8', place, 21)] = true
      count = count + 1
    end
  end
end
local landed = {}
for _, addr in ipairs(call('SMEMBERS', K_FLYING)) do
  if not groups[addr] then landed[#landed + 1] = addr end
end
call('DEL', K_FLYING)
for _, addr in ipairs(landed) do
  local s = load(addr)
  if s then
    s.from = s.nonce
    rank(s)
  end
end
for addr, group in pairs(groups) do
  local s = load(addr)
  s.from = s.nonce
  while group[s.from] do s.from = s.from + 1 end
  rank(s)
  call('SADD', K_FLYING, addr)
end
commit(tonumber(ARGV[1]))
if call('ZCARD', K_READY) > 0 then wake() end
return count
