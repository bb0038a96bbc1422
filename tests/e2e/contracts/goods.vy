# @version ^0.4.0
# A small ERC-1155, of which anybody may make as many as he likes, written for the tests of this project.

event TransferSingle:
    operator: indexed(address)
    sender: indexed(address)
    receiver: indexed(address)
    id: uint256
    value: uint256

event TransferBatch:
    operator: indexed(address)
    sender: indexed(address)
    receiver: indexed(address)
    ids: DynArray[uint256, 16]
    values: DynArray[uint256, 16]

name: public(String[64])
symbol: public(String[16])
balanceOf: public(HashMap[address, HashMap[uint256, uint256]])


@deploy
def __init__(name: String[64], symbol: String[16]):
    self.name = name
    self.symbol = symbol


@external
@view
def supportsInterface(which: bytes4) -> bool:
    return which in [0x01ffc9a7, 0xd9b67a26]


@external
def mint(receiver: address, id: uint256, amount: uint256):
    self.balanceOf[receiver][id] += amount
    log TransferSingle(operator=msg.sender, sender=empty(address), receiver=receiver, id=id, value=amount)


@external
def give(receiver: address, ids: DynArray[uint256, 16], amounts: DynArray[uint256, 16]):
    assert len(ids) == len(amounts), "as many amounts as ids"
    for place: uint256 in range(len(ids), bound=16):
        self.balanceOf[msg.sender][ids[place]] -= amounts[place]
        self.balanceOf[receiver][ids[place]] += amounts[place]
    log TransferBatch(operator=msg.sender, sender=msg.sender, receiver=receiver, ids=ids, values=amounts)
