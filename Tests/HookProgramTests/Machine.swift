import HookProgram

/// Runs a program by the book (RFC 9669), on a packet and a stack that are far apart, and knows when it touches anything
/// else.
struct Machine {
  static let packet: UInt64 = 1 << 40
  static let stack: UInt64 = 1 << 44  // its end

  var memory: [UInt8]
  var stackMemory = [UInt8](repeating: 0, count: 512)
  var registers = [UInt64](repeating: 0x5A5A_5A5A_5A5A_5A5A, count: 11)
  /// The instruction that touched something else, with the place.
  var violation: String?

  init(packet: [UInt8]) {
    memory = packet
    registers[1] = Self.packet
    registers[10] = Self.stack
  }

  mutating func run(_ program: [Instruction]) {
    var place = 0
    while violation == nil, program[place].code != 0x95 {
      let instruction = program[place]
      let (target, source) = (Int(instruction.registers & 15), Int(instruction.registers >> 4))
      let wide = UInt64(bitPattern: Int64(instruction.immediate))
      let other = instruction.code & 8 != 0 ? registers[source] : wide
      let size = [4, 2, 1, 8][Int(instruction.code >> 3 & 3)]
      let distance = UInt64(bitPattern: Int64(instruction.offset))
      place += 1
      switch instruction.code & 7 {
      case 0:
        registers[target] = wide & 0xFFFF_FFFF | UInt64(UInt32(bitPattern: program[place].immediate)) << 32
        place += 1
      case 1: registers[target] = read(registers[source] &+ distance, size, place)
      case 2: write(registers[target] &+ distance, size, wide, place)
      case 3: write(registers[target] &+ distance, size, registers[source], place)
      case 4:
        let result = Self.arithmetic(instruction.code & 0xF0, registers[target] & 0xFFFF_FFFF, other & 0xFFFF_FFFF, 32)
        registers[target] = result & 0xFFFF_FFFF
      case 7: registers[target] = Self.arithmetic(instruction.code & 0xF0, registers[target], other, 64)
      default:
        if Self.holds(instruction.code & 0xF0, registers[target], other) { place += Int(instruction.offset) }
      }
    }
  }

  private static func arithmetic(_ operation: UInt8, _ a: UInt64, _ b: UInt64, _ bits: UInt64) -> UInt64 {
    switch operation {
    case 0x00: a &+ b
    case 0x10: a &- b
    case 0x20: a &* b
    case 0x30: b == 0 ? 0 : a / b
    case 0x40: a | b
    case 0x50: a & b
    case 0x60: a << (b & (bits - 1))
    case 0x70: a >> (b & (bits - 1))
    case 0x80: 0 &- a
    case 0x90: b == 0 ? a : a % b
    case 0xA0: a ^ b
    case 0xB0: b
    default: UInt64(bitPattern: Int64(bitPattern: a) >> Int64(b & 63))
    }
  }

  private static func holds(_ operation: UInt8, _ a: UInt64, _ b: UInt64) -> Bool {
    let (x, y) = (Int64(bitPattern: a), Int64(bitPattern: b))
    return switch operation {
    case 0x00: true
    case 0x10: a == b
    case 0x20: a > b
    case 0x30: a >= b
    case 0x40: a & b != 0
    case 0x50: a != b
    case 0x60: x > y
    case 0x70: x >= y
    case 0xA0: a < b
    case 0xB0: a <= b
    case 0xC0: x < y
    default: x <= y
    }
  }

  private mutating func read(_ address: UInt64, _ size: Int, _ place: Int) -> UInt64 {
    (0..<UInt64(size)).reduce(0) { number, byte in
      let address = address &+ byte
      var value: UInt8 = 0
      if address &- Self.packet < UInt64(memory.count) {
        value = memory[Int(address - Self.packet)]
      } else if address &- (Self.stack - 512) < 512 {
        value = stackMemory[Int(address - (Self.stack - 512))]
      } else {
        violation = "\(place - 1) reads \(Int64(bitPattern: address &- Self.packet))"
      }
      return number | UInt64(value) << (8 * byte)
    }
  }

  private mutating func write(_ address: UInt64, _ size: Int, _ number: UInt64, _ place: Int) {
    for byte in 0..<UInt64(size) {
      let (address, value) = (address &+ byte, UInt8(truncatingIfNeeded: number >> (8 * byte)))
      if address &- Self.packet < UInt64(memory.count) {
        memory[Int(address - Self.packet)] = value
      } else if address &- (Self.stack - 512) < 512 {
        stackMemory[Int(address - (Self.stack - 512))] = value
      } else {
        violation = "\(place - 1) writes \(Int64(bitPattern: address &- Self.packet))"
      }
    }
  }
}
