internal import CDPDK
internal import CHook
public import HookProgram

/// A program for a hook, loaded and compiled: what it was made from, and how workers call it. It lives until the last
/// worker has breathed without it.
@safe
public final class LoadedProgram: @unchecked Sendable {
  public let program: HookProgram
  /// For workers; valid as long as this object.
  public let call: HookCall
  /// The same without machine code.
  let interpreted: HookCall
  /// It runs as machine code; else it is interpreted, which takes 10 times as long.
  public let isCompiled: Bool
  /// What loading took.
  public let loadTime: Duration
  private let loaded: OpaquePointer

  /// Reads and judges an object file, and loads its program.
  ///
  /// - Parameter section: where the program is; needed where several sections hold programs.
  public convenience init(_ bytes: [UInt8], section: String? = nil) throws(HookProgramError) {
    try self.init(HookProgram(bytes, section: section))
  }

  /// Validates and compiles; at most a few tenths of a second (`HookProgram.work`).
  public init(_ program: HookProgram) throws(HookProgramError) {
    let start = ContinuousClock.now
    var loaded: OpaquePointer?
    var code: (@convention(c) (UnsafeMutableRawPointer?) -> UInt64)?
    // The loader is asked again only when the code it made is not right.
    for way in 0..<ArrangedProgram.ways {
      let arranged = ArrangedProgram(program, way: way)
      if let loaded = unsafe loaded { unsafe cdpdk_bpf_destroy(loaded) }
      let (made, complaint) = unsafe Self.load(arranged.instructions)
      guard let made = unsafe made else {
        // Of the instructions as they were, so that the number it names is one of theirs.
        let (other, usual) = unsafe Self.load(program.instructions)
        if let other = unsafe other { unsafe cdpdk_bpf_destroy(other) }
        throw .loader(section: program.section, usual ?? complaint ?? EAL.errorText(cdpdk_errno()))
      }
      unsafe loaded = unsafe made
      unsafe code = unsafe Self.code(of: loaded!, arranged)
      if unsafe code != nil || !Self.isChecked { break }
    }
    self.program = program
    unsafe self.loaded = unsafe loaded!
    call = unsafe HookCall(
      chook_program(code: code, interpret: cdpdk_bpf_interpret, program: UnsafeRawPointer(loaded)))
    interpreted = unsafe HookCall(
      chook_program(code: nil, interpret: cdpdk_bpf_interpret, program: UnsafeRawPointer(loaded)))
    isCompiled = unsafe code != nil
    loadTime = ContinuousClock.now - start
  }

  private static func load(_ instructions: [Instruction]) -> (OpaquePointer?, complaint: String?) {
    unsafe LogBridge.complaint {
      unsafe instructions.withUnsafeBytes {
        unsafe cdpdk_bpf_load(
          $0.baseAddress, UInt32(instructions.count), UInt32(MemoryLayout<dpdkfwd_bpf_packet>.size))
      }
    }
  }

  /// Machine code is used where it can be checked.
  private static var isChecked: Bool {
    #if arch(x86_64)
      true
    #else
      false
    #endif
  }

  private static func code(
    of loaded: OpaquePointer, _ program: ArrangedProgram
  ) -> (@convention(c) (UnsafeMutableRawPointer?) -> UInt64)? {
    var size = 0
    guard isChecked, let code = unsafe cdpdk_bpf_code(loaded, &size) else { return nil }
    let bytes = unsafe UnsafeRawBufferPointer(start: unsafeBitCast(code, to: UnsafeRawPointer.self), count: size)
    return unsafe program.matches(Array(bytes)) ? code : nil
  }

  deinit { unsafe cdpdk_bpf_destroy(loaded) }
}
