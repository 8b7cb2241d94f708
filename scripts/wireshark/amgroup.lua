-- Group communication of Amoeba 5 over FLIP: a header of 20 bytes, then in messages of members the message header of 32 bytes
-- (amheader.lua) and data.

set_plugin_info({ version = "1.0.0", description = "Amoeba 5: groups", author = "amlab" })

local amgroup = Proto("amgroup", "Amoeba group communication")

local LENGTH, USER_HEADER = 20, 32
local TYPES = {
  [0] = "LOCATE", "HEREIS", "JOINREQ", "JOIN", "LEAVEREQ", "LEAVE", "BCASTREQ", "BCAST", "ACK", "RETRANS", "SYNC", "STATE",
  "REFORMREQ", "VOTE", "RESULT", "RESULTACK", "ALIVE", "ALIVEREQ", "DEAD",
}
-- Types that bring a member's message.
local CARRIES = { [2] = true, [3] = true, [4] = true, [5] = true, [6] = true, [7] = true }
local RETRANS, DEAD = 9, 18

local F = {
  type = ProtoField.uint8("amgroup.type", "Type", base.DEC, TYPES),
  flags = ProtoField.uint8("amgroup.flags", "Flags", base.HEX),
  big = ProtoField.bool("amgroup.flags.bigendian", "Most significant byte first", 8, nil, 0x01),
  reserved = ProtoField.bytes("amgroup.reserved", "Reserved"),
  member = ProtoField.uint16("amgroup.member", "Member", base.DEC),
  incarnation = ProtoField.uint16("amgroup.incarnation", "Incarnation", base.DEC),
  seqno = ProtoField.uint32("amgroup.seqno", "Number in the group's order", base.DEC),
  messid = ProtoField.uint32("amgroup.messid", "Number of the member's message", base.DEC),
  expect = ProtoField.uint32("amgroup.expect", "Expects number", base.DEC),
  data = ProtoField.bytes("amgroup.data", "Data"),
}
amgroup.fields = F

local E = {
  truncated = ProtoExpert.new("amgroup.truncated", "Message ends too soon", expert.group.MALFORMED, expert.severity.ERROR),
  type = ProtoExpert.new("amgroup.type.unknown", "Unknown type", expert.group.PROTOCOL, expert.severity.WARN),
  missing = ProtoExpert.new("amgroup.missing", "A member misses a message", expert.group.SEQUENCE, expert.severity.NOTE),
  dead = ProtoExpert.new("amgroup.dead", "A member is dead", expert.group.RESPONSE_CODE, expert.severity.WARN),
}
amgroup.experts = E

local function put(tree, field, range, is_big)
  if is_big then return tree:add(field, range) end
  return tree:add_le(field, range)
end

function amgroup.dissector(tvb, pinfo, root)
  local tree = root:add(amgroup, tvb(0, math.min(LENGTH, tvb:len())))
  pinfo.cols.protocol:set("AMGROUP")
  if tvb:len() < LENGTH then
    tree:add_proto_expert_info(E.truncated, "The header of a group message has 20 bytes")
    return tvb:len()
  end
  local kind, is_big = tvb(0, 1):uint(), tvb(1, 1):uint() % 2 == 1
  local item = tree:add(F.type, tvb(0, 1))
  if not TYPES[kind] then item:add_proto_expert_info(E.type) end
  tree:add(F.flags, tvb(1, 1)):add(F.big, tvb(1, 1))
  tree:add(F.reserved, tvb(2, 2))
  put(tree, F.member, tvb(4, 2), is_big)
  put(tree, F.incarnation, tvb(6, 2), is_big)
  put(tree, F.seqno, tvb(8, 4), is_big)
  put(tree, F.messid, tvb(12, 4), is_big)
  put(tree, F.expect, tvb(16, 4), is_big)
  if kind == RETRANS then tree:add_proto_expert_info(E.missing) end
  if kind == DEAD then tree:add_proto_expert_info(E.dead) end
  local member = is_big and tvb(4, 2):uint() or tvb(4, 2):le_uint()
  local seqno = is_big and tvb(8, 4):uint() or tvb(8, 4):le_uint()
  local name = TYPES[kind] or string.format("type %d", kind)
  pinfo.cols.info:set(string.format("group %s member %d seqno %d", name, member, seqno))
  if tvb:len() == LENGTH then return LENGTH end
  local rest = tvb(LENGTH):tvb()
  if CARRIES[kind] and rest:len() >= USER_HEADER then
    pinfo.private["amheader_big"] = is_big and "1" or "0"
    pinfo.private["amheader_kind"] = "group"
    pinfo.private["amheader_bytes"] = tostring(rest:len() - USER_HEADER)
    pinfo.private["amheader_command"] = ""
    Dissector.get("amheader"):call(rest, pinfo, root)
  else
    tree:add(F.data, rest())
  end
  return tvb:len()
end

DissectorTable.get("amflip.protocol"):add(2, amgroup)
