import HookProgram
import Logging
import Primitives
import TestSupport
import Testing
import Wire

@testable import DataPlane

/// Programs as rte_bpf takes them (B5-B8: a user's object on a hook, load cost bounded).
struct LoadedProgramTests {
  init() throws { try LogBridge.install(Logger(label: "test", factory: { _ in SwiftLogNoOpLogHandler() })) }

  private func judge(_ program: LoadedProgram, _ frame: Frame, state: UInt8 = 0, mark: UInt32 = 0) -> HookVerdict {
    judge(program.call, frame, state: state, mark: mark)
  }

  private func judge(_ call: HookCall, _ frame: Frame, state: UInt8 = 0, mark: UInt32 = 0) -> HookVerdict {
    frame.withSpan { bytes in
      var summary = Summary()
      Summary.read(bytes, frameLength: frame.count, into: &summary)
      var facts = HookFacts(ingress: PortID(rawValue: 0))
      (facts.state, facts.mark) = (state, mark)
      return call.judge(bytes, length: frame.count, summary, facts)
    }
  }

  private func accept(_ mark: Int32) -> [Instruction] {
    // mark = number; return 1
    [Instruction(0x62, target: 1, offset: 64, immediate: mark), Instruction(0xB7, immediate: 1), Instruction(0x95)]
  }

  @Test func `a program is compiled and called`() throws {
    let program = try LoadedProgram(HookProgram(accept(7), section: "s"))
    let frame = Datagram.ipv4(from: "10.0.0.1", to: "192.0.2.53").udp(from: 1, to: 2).frame(padTo: 60)
    #expect(judge(program, frame, mark: 3) == HookVerdict(accepts: true, mark: 7))
    #if arch(x86_64)
      #expect(program.isCompiled)
    #endif
  }

  @Test(.enabled(if: Clang.path != nil))
  func `the example drops, accepts and marks what its text says`() throws {
    let program = try LoadedProgram(try Clang.compile("docs/examples/guard.c"))
    let datagram = Datagram.ipv4(from: "10.0.0.1", to: "192.0.2.53")
    let v6 = Datagram.ipv6(from: "2001:db8::1", to: "2001:db8::2")
    func verdict(_ datagram: Datagram, new: Bool = false) -> HookVerdict {
      judge(program, datagram.frame(), state: new ? 8 : 2, mark: 5)
    }
    let (accepted, dropped) = (HookVerdict(accepts: true, mark: 5), HookVerdict(accepts: false, mark: 5))
    #expect(verdict(datagram.tcp(from: 9, to: 23, flags: [.syn])) == dropped)
    #expect(verdict(v6.tcp(from: 9, to: 23, flags: [.syn])) == dropped)
    #expect(verdict(datagram.tcp(from: 23, to: 9, flags: [.syn])) == accepted)
    #expect(verdict(datagram.tcp(from: 9, to: 80, flags: [.syn]), new: true) == HookVerdict(accepts: true, mark: 80))
    #expect(verdict(datagram.tcp(from: 9, to: 80, flags: [.ack])) == accepted)
    #expect(verdict(datagram.udp(from: 9, to: 5355, payload: [1, 2, 0x00, 0])) == dropped)
    #expect(verdict(datagram.udp(from: 9, to: 5355, payload: [1, 2, 0x80, 0])) == accepted)
    #expect(verdict(datagram.udp(from: 9, to: 5355, payload: [1])) == accepted)
    #expect(verdict(datagram.icmp(id: 1)) == accepted)
    #expect(judge(program, .arp(who: "10.0.0.2", tell: "10.0.0.1"), mark: 5) == accepted)
  }

  /// Things that people write: places in the frame, a copy, an unrolled loop, many ports, a sum of words, a place
  /// out of the packet, signed numbers.
  private static let ordinary = [
    "return dpdkfwd_bpf_byte(p, p->transport + 13) != 2;",
    """
    unsigned short place = p->network;
    if (place + 20 <= p->held && place <= 108) return dpdkfwd_bpf_byte(p, place + 9) == 6;
    return 1;
    """,
    """
    unsigned char copy[16];
    __builtin_memcpy(copy, p->frame + 14, 16);
    unsigned sum = 0;
    _Pragma("unroll") for (int i = 0; i < 16; i++) sum += copy[i];
    return sum & 1;
    """,
    """
    switch (p->destination_port) {
    case 22: case 25: case 80: case 443: case 993: return 1;
    case 53: return p->protocol == 17;
    default: return p->source_port < 1024;
    }
    """,
    """
    unsigned long long sum = 0;
    _Pragma("unroll") for (int i = 0; i < 4; i++)
      sum += (unsigned long long) p->source[i] * (i + 3) ^ p->destination[3 - i];
    p->mark = sum % 7;
    return sum / 5 != 3;
    """,
    "unsigned place = (p->transport + (p->frame[p->transport & 63] >> 4) * 4) & 127; return p->frame[place] ? 1 : 0;",
    "int left = (int) p->length - p->network; if (left < 40) return 0; return __builtin_bswap16(p->frame[16]) > 3;",
  ]

  @Test(.enabled(if: Clang.path != nil), arguments: ordinary)
  func `ordinary programs are taken and compiled`(_ body: String) throws {
    let text = "#include \"dpdkfwd_bpf.h\"\nunsigned long long f(struct dpdkfwd_bpf_packet *p) { \(body) }"
    let program = try LoadedProgram(try Clang.compile(text: text))
    var chance = SeededGenerator.forThisRun()
    for _ in 0..<200 {
      let frame = Frame(chance.bytes(Int.random(in: 0...200, using: &chance)))
      #expect(judge(program.call, frame) == judge(program.interpreted, frame))
    }
    #if arch(x86_64)
      #expect(program.isCompiled)
    #endif
  }

  @Test func `what the validator finds is said in its words`() throws {
    func complaint(_ instructions: [Instruction]) throws -> String {
      let program = try HookProgram(instructions, section: "s")
      do {
        _ = try LoadedProgram(program)
        return "taken"
      } catch { return error.description }
    }
    #expect(try complaint([Instruction(0xB7, immediate: 1), Instruction(0x95)]) == "taken")
    // A register that nobody has set.
    for program in [[Instruction(0x95)], [Instruction(0xBF, source: 3), Instruction(0x95)]] {
      let text = try complaint(program)
      #expect(text.hasPrefix("section 's': rte_bpf does not take it: ") && text.contains("undefined"), "\(text)")
    }
  }

  @Test func `whatever is judged to be a program is loaded or refused, and does what its interpreter does`() throws {
    var chance = SeededGenerator.forThisRun()
    var (judged, loaded, compiled) = (0, 0, 0)
    for _ in 0..<3000 {
      let instructions = Self.random(&chance)
      guard let program = try? HookProgram(instructions, section: "s") else { continue }
      judged += 1
      guard let taken = try? LoadedProgram(program) else { continue }
      loaded += 1
      if taken.isCompiled { compiled += 1 }
      for _ in 0..<3 {
        let frame = Frame(chance.bytes(200))
        let mark = UInt32(truncatingIfNeeded: chance.next())
        #expect(judge(taken.call, frame, mark: mark) == judge(taken.interpreted, frame, mark: mark), "\(instructions)")
      }
    }
    #expect(judged > 100 && loaded > 30 && loaded < judged)
    #if arch(x86_64)
      #expect(compiled * 100 >= loaded * 98, "of \(loaded) programs \(compiled) are compiled")
    #endif
  }

  /// Any operation on numbers out of the packet, with branches, and at its end all registers in the mark and the answer.
  private static func random(_ chance: inout SeededGenerator) -> [Instruction] {
    let count = Int.random(in: 2...(Bool.random(using: &chance) ? 14 : 70), using: &chance)
    var program: [Instruction] = [Instruction(0xBF, target: 9, source: 1)]
    for register in 0...8 as ClosedRange<UInt8> {
      let offset = 128 + Int16.random(in: 0...120, using: &chance)
      program.append(
        Instruction(Bool.random(using: &chance) ? 0x79 : 0x71, target: register, source: 9, offset: offset))
    }
    let alu: [UInt8] = [0x00, 0x10, 0x20, 0x30, 0x40, 0x50, 0x60, 0x70, 0x80, 0x90, 0xA0, 0xB0, 0xC0, 0xD0]
    let jumps: [UInt8] = [0x10, 0x20, 0x30, 0x40, 0x50, 0x60, 0x70, 0xA0, 0xB0, 0xC0, 0xD0]
    for place in 0..<count {
      let (a, b) = (UInt8.random(in: 0...8, using: &chance), UInt8.random(in: 0...8, using: &chance))
      let byRegister: UInt8 = Bool.random(using: &chance) ? 8 : 0
      let number = [Int32.random(in: 0...40, using: &chance), Int32(truncatingIfNeeded: chance.next())]
        .randomElement(using: &chance)!
      let offset = Int16.random(in: 0...258, using: &chance)
      switch Int.random(in: 0..<8, using: &chance) {
      case 0..<4:
        let code = alu.randomElement(using: &chance)! | byRegister | (Bool.random(using: &chance) ? 7 : 4)
        let isSwap = code & 0xF0 == 0xD0
        program.append(
          Instruction(
            code, target: a, source: byRegister == 0 || isSwap ? 0 : b,
            immediate: isSwap ? [16, 32, 64].randomElement(using: &chance)! : byRegister == 0 ? number : 0))
      case 4:
        let code = [0x61, 0x69, 0x71, 0x79].randomElement(using: &chance)! as UInt8
        program.append(Instruction(code, target: a, source: 9, offset: offset))
      case 5:
        let code = [0x62, 0x6A, 0x72, 0x7A, 0x63, 0x6B, 0x73, 0x7B, 0xC3, 0xDB].randomElement(using: &chance)! as UInt8
        program.append(
          Instruction(
            code, target: 9, source: code & 7 == 2 ? 0 : b, offset: offset, immediate: code & 7 == 2 ? number : 0))
      default:
        let code = jumps.randomElement(using: &chance)! | byRegister | 5
        program.append(
          Instruction(
            code, target: a, source: byRegister == 0 ? 0 : b,
            offset: Int16.random(in: 0...Int16(count - place - 1), using: &chance),
            immediate: byRegister == 0 ? number : 0))
      }
    }
    for register in 1...8 as ClosedRange<UInt8> {
      program += [Instruction(0x67, target: 0, immediate: 5), Instruction(0x0F, target: 0, source: register)]
    }
    return program + [
      Instruction(0xC3, target: 9, offset: 64), Instruction(0x57, target: 0, immediate: 1), Instruction(0x95),
    ]
  }
}
