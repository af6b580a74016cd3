import HookProgram
import TestSupport
import Testing

/// The example of docs/examples, compiled as its first lines say.
struct ExampleTests {
  @Test(.enabled(if: Clang.path != nil))
  func `the example compiles to a program that is taken`() throws {
    let program = try HookProgram(try Clang.compile("docs/examples/guard.c"))
    #expect((program.section, program.function) == ("filter", "guard"))
    #expect(program.ways < 100)
  }

  @Test(.enabled(if: Clang.path != nil))
  func `what clang makes of maps, loops, calls and newer instructions is refused in words`() throws {
    func complaint(_ text: String, cpu: String = "v2") throws -> String {
      let bytes = try Clang.compile(text: "#include \"dpdkfwd_bpf.h\"\n" + text, cpu: cpu)
      do {
        return "taken: \(try HookProgram(bytes))"
      } catch { return "\(error)" }
    }
    let head = "unsigned long long f(struct dpdkfwd_bpf_packet *p) "
    #expect(
      try complaint("static volatile int seen = 5; \(head) { return seen++; }")
        == "section '.text', instruction 0: refers to '.data' in section '.data': maps and other data are not "
        + "supported, a program sees its packet alone")
    #expect(
      try complaint("int other(int); \(head) { return other(3); }").contains("calls 'other': programs call nothing"))
    #expect(
      try complaint("static unsigned int (*now)(void) = (void *) 5; \(head) { return now(); }")
        .contains("calls helper 5: programs call nothing"))
    #expect(
      try complaint(
        "\(head) { unsigned s = 0; for (unsigned i = 0; i < p->length; i++) s ^= p->frame[i & 127]; return s; }"
      ).contains("loops are not allowed"))
    #expect(
      try complaint("\(head) { return p->mark > p->length && (int) p->mark > 7; }", cpu: "v3").contains("-mcpu=v2"))
    #expect(try complaint("\(head) { return p->mark > p->length && (int) p->mark > 7; }").hasPrefix("taken"))
  }
}
