internal import Segment

/// What `-h` prints.
enum ConntrackHelp {
  static func text(protocol number: UInt8?) -> String {
    var text = general
    guard let number else { return text }
    guard let options = ProtocolOptions.of(number) else {
      return text + "\nProtocol \(number) has no options of its own.\n"
    }
    text += "\nOptions of \(options.name):\n"
    for name in options.names { if let long = name.long { text += "  --\(long) VALUE\n" } }
    return text
  }

  private static let general = """
    conntrack of dpdkfwd, version \(Program.version): shows and changes the connections of a forwarder.
    Usage: dpdkfwd-ctl [-f PREFIX] conntrack COMMAND [TABLE] [OPTIONS]

    Commands:
      -L, --dump [TABLE]        list connections
      -G, --get                 show one
      -I, --create              create one that must not exist
      -A, --add                 create one unless it exists
      -U, --update              change those that match
      -D, --delete              delete those that match
      -E, --event               show what happens
      -F, --flush               delete all
      -C, --counter             count them
      -S, --stats               statistics of the workers
      -R, --load-file FILE      carry out the lines of a file; -: of standard input
      -V, --version             -h, --help [-p PROTOCOL]

    Tables: conntrack (unless another is named), dying, unconfirmed; expect is not supported yet

    Which connections, or what one is to be:
      -s, --orig-src ADDRESS    -d, --orig-dst ADDRESS      of the original direction; prefixes with -L -D -U -E
      -r, --reply-src ADDRESS   -q, --reply-dst ADDRESS     of the reply direction
          --mask-src MASK           --mask-dst MASK         of the original direction
      -p, --protonum PROTOCOL   by name or number; has options of its own: -h -p PROTOCOL
      -f, --family ipv4|ipv6
      -w, --zone N                  --orig-zone N               --reply-zone N
      -m, --mark VALUE[/MASK]   -u, --status WORD[,...]     ASSURED SEEN_REPLY UNSET FIXED_TIMEOUT EXPECTED
                                                            OFFLOAD HW_OFFLOAD
      -l, --label NAME[,...]    by name or number           --labelmap FILE
      -t, --timeout SECONDS     -i, --id NUMBER
      -n, --src-nat [ADDRESS]   -g, --dst-nat [ADDRESS]     -j, --any-nat [ADDRESS]
          --label-add NAME[,...]    --label-del [NAME[,...]]

    How:
      -o, --output WORD[,...]   extended id timestamp ktimestamp labels userspace, or xml, save, json
      -z, --zero                let counters begin anew
      -e, --event-mask WORD[,...]   ALL NEW UPDATES DESTROY REFRESH FRAGMENTS
          --reliable            connections that end wait until they are shown
          --no-repair           do not make good from the tables what was lost
          --self-contained      with each event all there is to know; --delta: only what changed

    """
}
