/// An eBPF instruction (RFC 9669 §3.1), as it lies in a program: 8 bytes.
public struct Instruction: BitwiseCopyable, Equatable, Sendable {
  public var code: UInt8
  /// Target in the low four bits, source in the high ones.
  public var registers: UInt8
  public var offset: Int16
  public var immediate: Int32

  public init(_ code: UInt8, target: UInt8 = 0, source: UInt8 = 0, offset: Int16 = 0, immediate: Int32 = 0) {
    self.code = code
    registers = target & 15 | source << 4
    self.offset = offset
    self.immediate = immediate
  }

  var target: UInt8 { registers & 15 }
  var source: UInt8 { registers >> 4 }

  /// Its low three bits.
  enum Class: CaseIterable { case load, loadRegister, store, storeRegister, arithmetic32, jump, jump32, arithmetic64 }
  var kind: Class { Class.allCases[Int(code & 7)] }

  /// It takes two places; the second holds the upper half of the number.
  var isWide: Bool { code == Self.wide }
  var isExit: Bool { code == 0x95 }
  var isJump: Bool { kind == .jump && code != 0x85 && !isExit }
  var isConditional: Bool { isJump && code != 0x05 }

  static let wide: UInt8 = 0x18
}
