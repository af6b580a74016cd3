/// How long an instruction for x86-64 is, and whether it jumps: of those that rte_bpf compiles programs to (Intel SDM
/// volume 2, chapter 2 and appendix A).
struct MachineInstruction: Equatable {
  /// Just behind it.
  var end: Int
  /// From its end.
  var jump: Int?
  var isReturn = false

  /// `nil` for an instruction that is none of those, or not whole.
  init?(_ code: [UInt8], at start: Int) {
    var place = start
    func byte() -> UInt8? { place < code.count ? code[place] : nil }
    func next() -> UInt8? {
      defer { place += 1 }
      return byte()
    }
    /// A signed distance of so many bytes.
    func distance(_ size: Int) -> Int? {
      guard place + size <= code.count else { return nil }
      let bytes = code[place..<(place + size)]
      place += size
      let bits = bytes.reversed().reduce(UInt32(0)) { $0 << 8 | UInt32($1) }
      return size == 1 ? Int(Int8(truncatingIfNeeded: bits)) : Int(Int32(bitPattern: bits))
    }
    /// The operands' byte and what it announces; returns its middle field.
    func operands() -> UInt8? {
      guard let modes = next() else { return nil }
      let (mode, field) = (modes >> 6, modes & 7)
      if mode != 3 {
        var displacement = [0, 1, 4][Int(mode)]
        if field == 4 {
          guard let scale = next() else { return nil }
          if mode == 0, scale & 7 == 5 { displacement = 4 }
        } else if mode == 0, field == 5 {
          displacement = 4
        }
        place += displacement
      }
      return modes >> 3 & 7
    }

    var (isShort, isLong) = (false, false)
    while let prefix = byte(), prefix == 0x66 || prefix == 0xF0 {
      isShort = isShort || prefix == 0x66
      place += 1
    }
    if let prefix = byte(), prefix & 0xF0 == 0x40 {
      isLong = prefix & 8 != 0
      place += 1
    }
    let number = isShort ? 2 : 4
    guard let operation = next() else { return nil }
    switch operation {
    case 0x01, 0x09, 0x21, 0x29, 0x31, 0x39, 0x63, 0x85, 0x87...0x89, 0x8B, 0xD3:
      guard operands() != nil else { return nil }
    case 0x50...0x5F: break
    case 0x70...0x7F, 0xEB:
      guard let to = distance(1) else { return nil }
      jump = to
    case 0xE9:
      guard let to = distance(4) else { return nil }
      jump = to
    case 0x81, 0xC7:
      guard operands() != nil else { return nil }
      place += number
    case 0x83, 0xC1, 0xC6:
      guard operands() != nil else { return nil }
      place += 1
    case 0xB8...0xBF: place += isLong ? 8 : number
    case 0xC3: isReturn = true
    case 0xF7:
      guard let kind = operands() else { return nil }
      place += kind < 2 ? number : 0
    case 0x0F:
      switch next() {
      case .some(0x80...0x8F):
        guard let to = distance(4) else { return nil }
        jump = to
      case .some(0xB6), .some(0xB7):
        guard operands() != nil else { return nil }
      case .some(0xC8...0xCF): break
      default: return nil
      }
    default: return nil
    }
    guard place <= code.count else { return nil }
    end = place
  }
}
