/// The checksum of SCTP (RFC 9260 Appendix A): polynomial 0x1EDC6F41, bits reflected, half a byte at a time.
public struct CRC32c: BitwiseCopyable, Sendable {
  private var state: UInt32 = 0xFFFF_FFFF

  public init() {}

  public mutating func add(_ bytes: RawSpan) {
    for at in 0..<bytes.byteCount { add(bytes[Field<UInt8>(at: 0), from: at]) }
  }

  public mutating func add(_ byte: UInt8) {
    state ^= UInt32(byte)
    state = CRC32c.steps[Int(state & 15)] ^ state >> 4
    state = CRC32c.steps[Int(state & 15)] ^ state >> 4
  }

  /// As the field of the header reads in host order.
  public var value: UInt32 { (~state).byteSwapped }

  /// What four bits do to the rest.
  private static let steps: InlineArray<16, UInt32> = [
    0x0000_0000, 0x105E_C76F, 0x20BD_8EDE, 0x30E3_49B1, 0x417B_1DBC, 0x5125_DAD3, 0x61C6_9362, 0x7198_540D,
    0x82F6_3B78, 0x92A8_FC17, 0xA24B_B5A6, 0xB215_72C9, 0xC38D_26C4, 0xD3D3_E1AB, 0xE330_A81A, 0xF36E_6F75,
  ]
}
