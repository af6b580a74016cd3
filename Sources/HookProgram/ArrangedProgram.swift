/// A program as it is given to the loader: the same, so arranged that the machine code made from it can be checked.
///
/// The just-in-time compiler of rte_bpf 22.11 chooses between short and long jumps by repeated trial, and stops when the
/// size of the whole no longer changes; a jump may lead to where its target was in the trial before. That happens to one
/// in a hundred programs with jumps over 100 bytes or so, and the code then runs into the middle of an instruction. So
/// there is one exit, at the end, and whatever is jumped to follows a jump (to the next instruction, where there was
/// none). Jumps keep their order; each must lead just behind the right one of them, which `matches` looks up in the
/// code. What does not match is arranged in another way, or interpreted.
public struct ArrangedProgram: Sendable {
  public private(set) var instructions: [Instruction] = []
  /// For each jump, the number of that just before its target.
  private(set) var targets: [Int] = []

  /// Ways to arrange a program; they differ in their jumps to the next instruction.
  public static let ways = 8

  private enum Target { case next, place(Int) }

  /// - Parameter way: below `ways`.
  public init(_ program: HookProgram, way: Int = 0) {
    let source = program.instructions
    let end = source.count
    var isTarget = [Bool](repeating: false, count: end + 1)
    isTarget[end] = true
    for (place, instruction) in source.enumerated() where instruction.isJump {
      isTarget[place + 1 + Int(instruction.offset)] = true
    }
    // Where each instruction is now, and the number of the jump before it.
    var places = [Int](repeating: 0, count: end + 1)
    var entries = [Int](repeating: 0, count: end + 1)
    var jumps: [(place: Int, target: Target)] = []
    var isSecondHalf = false
    for place in 0...end {
      let followsJump = jumps.last.map { $0.place == instructions.count - 1 } ?? false
      let isExtra = way > 0 && place % ArrangedProgram.ways == way && !followsJump && place > 0 && !isSecondHalf
      if isTarget[place] && !followsJump || isExtra {
        jumps.append((instructions.count, .next))
        instructions.append(Instruction(0x05))
      }
      (places[place], entries[place]) = (instructions.count, jumps.count - 1)
      guard place < end else { break }
      let instruction = source[place]
      isSecondHalf = !isSecondHalf && instruction.isWide
      if instruction.isExit {
        // The last one is the end itself.
        guard place + 1 < end else { continue }
        jumps.append((instructions.count, .place(end)))
        instructions.append(Instruction(0x05))
      } else {
        if instruction.isJump { jumps.append((instructions.count, .place(place + 1 + Int(instruction.offset)))) }
        instructions.append(instruction)
      }
    }
    instructions.append(Instruction(0x95))
    for (number, jump) in jumps.enumerated() {
      switch jump.target {
      case .next: targets.append(number)
      case .place(let place):
        targets.append(entries[place])
        instructions[jump.place].offset = Int16(places[place] - jump.place - 1)
      }
    }
  }

  /// Whether every jump in machine code for x86-64 leads where it should. False too when the code has instructions that
  /// rte_bpf was not known to use.
  public func matches(_ code: [UInt8]) -> Bool {
    var jumps: [(end: Int, target: Int)] = []
    var place = 0
    while place < code.count {
      guard let instruction = MachineInstruction(code, at: place) else { return false }
      place = instruction.end
      if let distance = instruction.jump { jumps.append((place, place + distance)) }
      // One return, at the end.
      guard instruction.isReturn == (place == code.count) else { return false }
    }
    return jumps.count == targets.count
      && jumps.indices.allSatisfy { jumps[$0].target == jumps[targets[$0]].end }
  }
}
