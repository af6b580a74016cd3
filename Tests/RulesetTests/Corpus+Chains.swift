extension Corpus {
  /// All that stands in a chain: hooks, priorities, statements.
  static let chainTexts = #"""
    type filter hook prerouting priority -300
    type filter hook prerouting priority - 300;
    type filter hook prerouting priority +5;
    type filter hook prerouting priority raw;
    type filter hook prerouting priority raw+5;
    type filter hook prerouting priority raw +5;
    type filter hook prerouting priority raw + 5;
    type filter hook prerouting priority raw - 5;
    type filter hook prerouting priority raw-5;
    type filter hook prerouting priority filter+1;
    type filter hook prerouting priority filter + -1;
    type filter hook prerouting priority filter + 0x10;
    type filter hook prerouting priority foo;
    type filter hook prerouting priority 2147483647;
    type filter hook prerouting priority 2147483648;
    type filter hook prerouting priority -2147483648;
    type filter hook prerouting priority -2147483649;
    type filter hook prerouting priority out;
    type filter hook prerouting priority "filter";
    type filter hook prerouting priority filter; policy accept;
    type filter hook prerouting priority filter; policy accept
    type filter hook prerouting priority filter; policy drop; policy accept;
    type filter hook prerouting priority filter; policy continue;
    type filter hook prerouting priority filter; policy "accept";
    type filter hook prerouting priority filter policy accept;
    policy accept; type filter hook prerouting priority filter;
    type filter hook prerouting priority filter; type filter hook forward priority filter;
    type filter hook prerouting device lo priority filter;
    type filter hook forward device "lo" priority filter;
    type filter hook ingress device lo priority filter;
    type filter hook ingress device "lo" priority 0; policy drop;
    type filter hook ingress devices = { lo } priority 0;
    type filter hook ingress devices = { lo, lo } priority 0;
    type filter hook ingress devices = { "lo" } priority 0;
    type filter hook ingress devices = { } priority 0;
    type filter hook ingress devices = lo priority 0;
    type filter hook ingress devices { lo } priority 0;
    type filter hook ingress device lo priority -500;
    type filter hook ingress device lo priority raw;
    type filter hook ingress device lo priority filter + 10;
    type filter hook egress device lo priority 0;
    type filter hook input priority filter;
    type filter hook output priority filter;
    type filter hook forward priority filter;
    type filter hook postrouting priority srcnat;
    type filter hook postrouting priority dstnat;
    type filter hook prerouting priority dstnat;
    type filter hook prerouting priority srcnat;
    type filter hook forward priority security;
    type filter hook forward priority mangle - 1;
    type nat hook prerouting priority dstnat;
    type nat hook forward priority 0;
    type nat hook postrouting priority srcnat;
    type route hook output priority mangle;
    type route hook prerouting priority 0;
    type foo hook prerouting priority 0;
    type filter hook foo priority 0;
    type filter hook prerouting;
    type filter priority 0;
    type filter;
    type;
    hook prerouting priority 0;
    filter hook prerouting priority 0;
    comment "x"; type filter hook prerouting priority 0;
    comment "x"
    comment x
    comment "x"; comment "y"
    comment "x" accept
    accept; drop
    accept; ;drop
    accept;;drop
    ;accept
    accept # foo
    accept comment "foo" # bar
    accept comment "foo bar"
    accept comment foo
    accept comment 5
    accept comment ""
    accept comment "a\"b"
    accept comment 'x'
    counter comment "x" accept
    counter packets 1 bytes 2 accept
    counter bytes 2 packets 1
    counter packets 1
    counter bytes 2
    counter packets 18446744073709551615 bytes 1
    counter packets 18446744073709551616 bytes 1
    counter name x
    counter name "x"
    counter x
    limit rate 1/second
    limit rate 1 / second
    limit rate 1/ second
    limit rate 10/hour burst 5 packets
    limit rate 10/hour burst 5
    limit rate until 10/hour
    limit rate over 10/hour burst 5 packets drop
    limit rate 0/second
    limit rate 1 kbytes/second
    limit rate 1 kbytes/second burst 2 mbytes
    limit rate over 1 mbytes/minute burst 1024 bytes
    limit rate 1 bytes/second
    limit rate 1 gbytes/second
    limit rate 1kbytes/second
    limit rate 1 kbytes / second
    limit rate 1 kbytes/ second
    limit rate 4294967296/second
    limit rate 18446744073709551615/second
    limit rate 1000000000/second
    limit rate 1000000001/second
    limit rate 10000000000/second
    limit rate 1/week
    limit rate 1/month
    limit rate 10/second burst 4294967295 packets
    limit rate 10/second burst 4294967296 packets
    limit rate 100/second limit rate 5/minute
    limit rate 5/second burst 5 packets accept
    limit rate 5/second burst 0 packets
    limit rate 5 bytes/second burst 0 bytes
    limit rate 5 bytes/second burst 5 packets
    limit name x
    limit rate 10 mbytes/second burst 12000 kbytes
    limit rate 1025 bytes/second
    limit rate 1500 kbytes/day
    ct count 0
    ct count over 0
    ct count until 5
    ct count 4294967295
    ct count 4294967296
    ct count 5 ct count over 6
    ct state new ct count over 20 reject with tcp reset
    reject
    reject with icmp type net-unreachable
    reject with icmp type host-unreachable
    reject with icmp type prot-unreachable
    reject with icmp type port-unreachable
    reject with icmp type net-prohibited
    reject with icmp type host-prohibited
    reject with icmp type admin-prohibited
    reject with icmp type frag-needed
    reject with icmp port-unreachable
    reject with icmp 3
    reject with icmp 300
    reject with icmp foo
    reject with icmpv6 type no-route
    reject with icmpv6 type admin-prohibited
    reject with icmpv6 type addr-unreachable
    reject with icmpv6 type policy-fail
    reject with icmpv6 type reject-route
    reject with icmpv6 type port-unreachable
    reject with icmpv6 3
    reject with icmpx type no-route
    reject with icmpx type port-unreachable
    reject with icmpx type host-unreachable
    reject with icmpx type admin-prohibited
    reject with icmpx 2
    reject with icmpx foo
    reject with tcp reset
    reject with tcp
    reject with tcp foo
    reject with udp reset
    reject with
    reject accept
    ip protocol tcp reject with tcp reset
    ip protocol udp reject with tcp reset
    meta l4proto tcp reject with tcp reset
    meta l4proto udp reject with tcp reset
    tcp dport 22 reject with icmp host-unreachable
    udp dport 53 reject
    meta nfproto ipv4 reject with icmp host-unreachable
    meta nfproto ipv6 reject with icmpv6 no-route
    meta nfproto ipv6 reject with icmp host-unreachable
    meta nfproto ipv4 reject with icmpx no-route
    meta nfproto ipv6 reject with tcp reset
    ip saddr 1.2.3.4 reject with icmpx admin-prohibited
    ip6 saddr ::1 reject with icmpv6 no-route
    ip6 saddr ::1 reject with icmp host-unreachable
    ether type ip reject with icmp host-unreachable
    ether type ip6 reject with icmpv6 no-route
    accept
    drop
    continue
    return
    jump d
    goto d
    jump nosuch
    jump c
    jump $x
    jump "d"
    queue
    stolen
    repeat
    accept drop
    continue drop
    continue continue accept
    return accept
    jump d accept
    goto d counter
    drop counter
    counter counter counter
    accept;drop;
    notrack
    notrack accept
    meta mark set 5 meta mark set 6
    meta mark set 0xffffffff ct mark set mark
    meta mark set ct mark meta mark set 5
    ct mark set meta mark ct mark set 5
    ct mark set 0xf0 | 0x0f
    ct mark set ct mark or 0x1
    ct mark set ct mark and 0xff or 0x100 xor 0x1
    ct mark set tcp dport map { 22 : 1, 80 : 2 }
    ct mark set ip saddr map { 10.0.0.0/8 : 1, 11.0.0.0/8 : 2, * : 3 }
    ct mark set ip saddr . tcp dport map { 1.2.3.4 . 22 : 1 }
    ct mark set meta mark map { 1 : 2 }
    ct mark set iifname map { "lo" : 1, "eth*" : 2 }
    ct mark set meta iif map { "lo" : 1 }
    ct mark set jhash ip saddr mod 4
    ct label set 5
    ct label set 5,6
    ct label set 127
    ct label set 128
    ct label set foo
    ct label set ct label
    ct zone set 5
    ct zone set 65535
    ct zone set 65536
    ct original zone set 5
    ct reply zone set tcp dport map { 22 : 5 }
    ct zone set ct zone
    ct zone set iif map { "lo" : 5 }
    ct zone set meta mark
    ct event set new
    ct event set new,related,destroy
    ct event set new | destroy
    ct event set 5
    ct event set all
    ct event set none
    ct event set foo
    ct helper set "x"
    ct state set new
    ct status set 5
    ct foo set 5
    meta foo set 5
    meta length set 5
    meta nftrace set 1
    meta nftrace set 2
    meta nftrace set 0 accept
    nftrace set 1
    meta priority set 1:2
    meta priority set none
    meta pkttype set host
    meta pkttype set unicast
    ip ttl set 5
    ip dscp set cs1
    ip ecn set ce
    ip saddr set 1.2.3.4
    tcp dport set 80
    tcp flags set syn
    udp checksum set 0
    tcp option mss size set 1400
    tcp option mss size set rt mtu
    ether saddr set 00:11:22:33:44:55
    vlan id set 5
    ip6 flowlabel set 5
    ip6 hoplimit set 5
    @th,0,16 set 5
    exthdr frag set 1
    frag id set 5
    icmp type set echo-reply
    add @s { ip saddr }
    update @s { ip saddr }
    delete @s { ip saddr }
    add @s { ip daddr timeout 5s }
    add @s { ip saddr . tcp dport }
    add @m { ip saddr : 5 }
    add @m { ip saddr : meta mark }
    add @m { ip saddr : ct mark and 0xff }
    add @m { ip saddr : tcp dport }
    add @m { ip saddr . tcp dport : 5 }
    add @nosuch { ip saddr }
    add @s { }
    add @s ip saddr
    add @s { ip saddr counter }
    add @s { ip saddr limit rate 5/second }
    add @s { ip saddr ct count over 5 }
    add @s { ip saddr quota 5 mbytes }
    update @s { ip saddr counter limit rate over 5/second burst 10 packets } drop
    set add ip saddr @s
    set update ip saddr @s
    set add ip saddr @m
    map add { ip saddr : 5 } @m
    map update { ip saddr : 5 } @m
    meter m1 { ip saddr limit rate 5/second }
    flow add @f
    flow offload @f
    """#
}
